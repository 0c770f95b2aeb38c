namespace Caisson.Oci;

public sealed partial record OciSpec
{
    internal OciSpec(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "ociVersion"u8)) { OciVersion = at.OptionalString(); }
            else if (at.Is(ref fields, "root"u8)) { Root = new OciRoot(ref at); }
            else if (at.Is(ref fields, "mounts"u8)) { Mounts = at.List(static (ref SpecCursor item) => new OciMount(ref item)); }
            else if (at.Is(ref fields, "process"u8)) { Process = new OciProcess(ref at); }
            else if (at.Is(ref fields, "hostname"u8)) { Hostname = at.OptionalString(); }
            else if (at.Is(ref fields, "domainname"u8)) { Domainname = at.OptionalString(); }
            else if (at.Is(ref fields, "hooks"u8)) { Hooks = new OciHooks(ref at); }
            else if (at.Is(ref fields, "annotations"u8)) { Annotations = at.StringMap(); }
            else if (at.Is(ref fields, "linux"u8)) { Linux = new OciLinux(ref at); }
            else if (at.Is(ref fields, "vm"u8)) { VM = new OciVM(ref at); }
            else { at.Skip(); }
        }
    }
}
