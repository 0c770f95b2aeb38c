namespace Caisson.Oci;

public sealed partial record LinuxSeccomp
{
    internal LinuxSeccomp(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "defaultAction"u8)) { DefaultAction = at.String(); }
            else if (at.Is(ref fields, "defaultErrnoRet"u8)) { DefaultErrnoRet = at.UInt32(); }
            else if (at.Is(ref fields, "architectures"u8)) { Architectures = at.Strings(); }
            else if (at.Is(ref fields, "flags"u8)) { Flags = at.Strings(); }
            else if (at.Is(ref fields, "listenerPath"u8)) { ListenerPath = at.OptionalString(); }
            else if (at.Is(ref fields, "listenerMetadata"u8)) { ListenerMetadata = at.OptionalString(); }
            else if (at.Is(ref fields, "syscalls"u8)) { Syscalls = at.List(static (ref SpecCursor item) => new LinuxSyscall(ref item)); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "defaultAction");
    }
}

public sealed partial record LinuxSyscall
{
    internal LinuxSyscall(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "names"u8)) { Names = at.Strings(); }
            else if (at.Is(ref fields, "action"u8)) { Action = at.String(); }
            else if (at.Is(ref fields, "errnoRet"u8)) { ErrnoRet = at.UInt32(); }
            else if (at.Is(ref fields, "args"u8)) { Args = at.List(static (ref SpecCursor item) => new LinuxSeccompArg(ref item)); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "names", "action");
    }
}

public sealed partial record LinuxSeccompArg
{
    internal LinuxSeccompArg(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "index"u8)) { Index = at.UInt32(); }
            else if (at.Is(ref fields, "value"u8)) { Value = at.UInt64(); }
            else if (at.Is(ref fields, "op"u8)) { Op = at.String(); }
            else if (at.Is(ref fields, "valueTwo"u8)) { ValueTwo = at.UInt64(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "index", "value", "op");
    }
}
