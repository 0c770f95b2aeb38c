namespace Caisson.Oci;

public sealed partial record OciHooks
{
    internal OciHooks(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "prestart"u8)) { Prestart = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else if (at.Is(ref fields, "createRuntime"u8)) { CreateRuntime = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else if (at.Is(ref fields, "createContainer"u8)) { CreateContainer = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else if (at.Is(ref fields, "startContainer"u8)) { StartContainer = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else if (at.Is(ref fields, "poststart"u8)) { Poststart = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else if (at.Is(ref fields, "poststop"u8)) { Poststop = at.List(static (ref SpecCursor item) => new OciHook(ref item)); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record OciHook
{
    internal OciHook(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "path"u8)) { Path = at.String(); }
            else if (at.Is(ref fields, "args"u8)) { Args = at.Strings(); }
            else if (at.Is(ref fields, "env"u8)) { Env = at.Strings(); }
            else if (at.Is(ref fields, "timeout"u8)) { Timeout = at.Int32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "path");
    }
}
