namespace Caisson.Oci;

public sealed partial record OciRoot
{
    internal OciRoot(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "path"u8)) { Path = at.OptionalString(); }
            else if (at.Is(ref fields, "readonly"u8)) { Readonly = at.Bool(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record OciMount
{
    internal OciMount(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "destination"u8)) { Destination = at.String(); }
            else if (at.Is(ref fields, "type"u8)) { Type = at.OptionalString(); }
            else if (at.Is(ref fields, "source"u8)) { Source = at.OptionalString(); }
            else if (at.Is(ref fields, "options"u8)) { Options = at.Strings(); }
            else if (at.Is(ref fields, "uidMappings"u8)) { UidMappings = at.List(static (ref SpecCursor item) => new LinuxIdMapping(ref item)); }
            else if (at.Is(ref fields, "gidMappings"u8)) { GidMappings = at.List(static (ref SpecCursor item) => new LinuxIdMapping(ref item)); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "destination");
    }
}
