namespace Caisson.Oci;

public sealed partial record OciLinux
{
    internal OciLinux(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "uidMappings"u8)) { UidMappings = at.List(static (ref SpecCursor item) => new LinuxIdMapping(ref item)); }
            else if (at.Is(ref fields, "gidMappings"u8)) { GidMappings = at.List(static (ref SpecCursor item) => new LinuxIdMapping(ref item)); }
            else if (at.Is(ref fields, "sysctl"u8)) { Sysctl = at.StringMap(); }
            else if (at.Is(ref fields, "resources"u8)) { Resources = new LinuxResources(ref at); }
            else if (at.Is(ref fields, "cgroupsPath"u8)) { CgroupsPath = at.OptionalString(); }
            else if (at.Is(ref fields, "namespaces"u8)) { Namespaces = at.List(static (ref SpecCursor item) => new LinuxNamespace(ref item)); }
            else if (at.Is(ref fields, "devices"u8)) { Devices = at.List(static (ref SpecCursor item) => new LinuxDevice(ref item)); }
            else if (at.Is(ref fields, "netDevices"u8)) { NetDevices = at.Map(static (ref SpecCursor item) => new LinuxNetDevice(ref item)); }
            else if (at.Is(ref fields, "seccomp"u8)) { Seccomp = new LinuxSeccomp(ref at); }
            else if (at.Is(ref fields, "rootfsPropagation"u8)) { RootfsPropagation = at.OptionalString(); }
            else if (at.Is(ref fields, "maskedPaths"u8)) { MaskedPaths = at.Strings(); }
            else if (at.Is(ref fields, "readonlyPaths"u8)) { ReadonlyPaths = at.Strings(); }
            else if (at.Is(ref fields, "mountLabel"u8)) { MountLabel = at.OptionalString(); }
            else if (at.Is(ref fields, "intelRdt"u8)) { IntelRdt = new LinuxIntelRdt(ref at); }
            else if (at.Is(ref fields, "memoryPolicy"u8)) { MemoryPolicy = new LinuxMemoryPolicy(ref at); }
            else if (at.Is(ref fields, "personality"u8)) { Personality = new LinuxPersonality(ref at); }
            else if (at.Is(ref fields, "timeOffsets"u8)) { TimeOffsets = at.Map(static (ref SpecCursor item) => new LinuxTimeOffset(ref item)); }
            else { at.Skip(); }
        }
    }
}
