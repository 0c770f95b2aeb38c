namespace Caisson.Oci;

/// <summary>A namespace to create, or to join by path.</summary>
public sealed partial record LinuxNamespace
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxNamespace() { }

    /// <summary>pid, network, mount, ipc, uts, user, cgroup or time.</summary>
    public string Type { get; init; } = "";

    /// <summary>The namespace to join; a new one when absent.</summary>
    public string? Path { get; init; }
}

/// <summary>A range of ids inside, and the ids they are outside.</summary>
public sealed partial record LinuxIdMapping
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxIdMapping() { }

    /// <summary>The first id inside.</summary>
    public uint ContainerId { get; init; }

    /// <summary>The first id outside.</summary>
    public uint HostId { get; init; }

    /// <summary>How many.</summary>
    public uint Size { get; init; }
}

/// <summary>The offset of one clock in a time namespace.</summary>
public sealed partial record LinuxTimeOffset
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxTimeOffset() { }

    /// <summary>Seconds.</summary>
    public long Secs { get; init; }

    /// <summary>Nanoseconds, added to the seconds.</summary>
    public uint Nanosecs { get; init; }
}

/// <summary>A device node to make in the container.</summary>
public sealed partial record LinuxDevice
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxDevice() { }

    /// <summary>c, u, b or p.</summary>
    public string Type { get; init; } = "";

    /// <summary>The node's path inside.</summary>
    public string Path { get; init; } = "";

    /// <summary>Major number; not for p.</summary>
    public long Major { get; init; }

    /// <summary>Minor number; not for p.</summary>
    public long Minor { get; init; }

    /// <summary>Permission bits.</summary>
    public uint? FileMode { get; init; }

    /// <summary>Owner, as seen inside.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group, as seen inside.</summary>
    public uint? Gid { get; init; }
}

/// <summary>What becomes of a moved network device.</summary>
public sealed partial record LinuxNetDevice
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxNetDevice() { }

    /// <summary>Its name inside; the one outside when absent.</summary>
    public string? Name { get; init; }
}

/// <summary>The execution domain, personality(2).</summary>
public sealed partial record LinuxPersonality
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxPersonality() { }

    /// <summary>LINUX or LINUX32.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Further flags; none are defined.</summary>
    public SpecList<string> Flags { get; init; } = [];
}

/// <summary>NUMA memory policy, set_mempolicy(2).</summary>
public sealed partial record LinuxMemoryPolicy
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxMemoryPolicy() { }

    /// <summary>The mode, e.g. MPOL_INTERLEAVE.</summary>
    public string Mode { get; init; } = "";

    /// <summary>The nodes, a list such as 0-3,7.</summary>
    public string? Nodes { get; init; }

    /// <summary>Flags of the mode, e.g. MPOL_F_STATIC_NODES.</summary>
    public SpecList<string> Flags { get; init; } = [];
}

/// <summary>Intel Resource Director Technology, by way of resctrl.</summary>
public sealed partial record LinuxIntelRdt
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxIntelRdt() { }

    /// <summary>The class of service.</summary>
    public string? ClosId { get; init; }

    /// <summary>Lines written as they are, after the two below.</summary>
    public SpecList<string> Schemata { get; init; } = [];

    /// <summary>L3 cache ways, a line starting with L3:.</summary>
    public string? L3CacheSchema { get; init; }

    /// <summary>Memory bandwidth, a line starting with MB:.</summary>
    public string? MemBwSchema { get; init; }

    /// <summary>Does the container get a monitoring group?</summary>
    public bool EnableMonitoring { get; init; }

    /// <summary>Cache monitoring, until 1.2.</summary>
    public bool EnableCmt { get; init; }

    /// <summary>Bandwidth monitoring, until 1.2.</summary>
    public bool EnableMbm { get; init; }
}
