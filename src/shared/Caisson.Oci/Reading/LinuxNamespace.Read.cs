namespace Caisson.Oci;

public sealed partial record LinuxNamespace
{
    internal LinuxNamespace(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "type"u8)) { Type = at.String(); }
            else if (at.Is(ref fields, "path"u8)) { Path = at.OptionalString(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "type");
    }
}

public sealed partial record LinuxIdMapping
{
    internal LinuxIdMapping(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "containerID"u8)) { ContainerId = at.UInt32(); }
            else if (at.Is(ref fields, "hostID"u8)) { HostId = at.UInt32(); }
            else if (at.Is(ref fields, "size"u8)) { Size = at.UInt32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "containerID", "hostID", "size");
    }
}

public sealed partial record LinuxTimeOffset
{
    internal LinuxTimeOffset(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "secs"u8)) { Secs = at.Int64(); }
            else if (at.Is(ref fields, "nanosecs"u8)) { Nanosecs = at.UInt32(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxDevice
{
    internal LinuxDevice(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "type"u8)) { Type = at.String(); }
            else if (at.Is(ref fields, "path"u8)) { Path = at.String(); }
            else if (at.Is(ref fields, "major"u8)) { Major = at.Int64(); }
            else if (at.Is(ref fields, "minor"u8)) { Minor = at.Int64(); }
            else if (at.Is(ref fields, "fileMode"u8)) { FileMode = at.UInt32(); }
            else if (at.Is(ref fields, "uid"u8)) { Uid = at.UInt32(); }
            else if (at.Is(ref fields, "gid"u8)) { Gid = at.UInt32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "type", "path");
    }
}

public sealed partial record LinuxNetDevice
{
    internal LinuxNetDevice(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "name"u8)) { Name = at.OptionalString(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxPersonality
{
    internal LinuxPersonality(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "domain"u8)) { Domain = at.String(); }
            else if (at.Is(ref fields, "flags"u8)) { Flags = at.Strings(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "domain");
    }
}

public sealed partial record LinuxMemoryPolicy
{
    internal LinuxMemoryPolicy(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "mode"u8)) { Mode = at.String(); }
            else if (at.Is(ref fields, "nodes"u8)) { Nodes = at.OptionalString(); }
            else if (at.Is(ref fields, "flags"u8)) { Flags = at.Strings(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "mode");
    }
}

public sealed partial record LinuxIntelRdt
{
    internal LinuxIntelRdt(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "closID"u8)) { ClosId = at.OptionalString(); }
            else if (at.Is(ref fields, "schemata"u8)) { Schemata = at.Strings(); }
            else if (at.Is(ref fields, "l3CacheSchema"u8)) { L3CacheSchema = at.OptionalString(); }
            else if (at.Is(ref fields, "memBwSchema"u8)) { MemBwSchema = at.OptionalString(); }
            else if (at.Is(ref fields, "enableMonitoring"u8)) { EnableMonitoring = at.Bool(); }
            else if (at.Is(ref fields, "enableCMT"u8)) { EnableCmt = at.Bool(); }
            else if (at.Is(ref fields, "enableMBM"u8)) { EnableMbm = at.Bool(); }
            else { at.Skip(); }
        }
    }
}
