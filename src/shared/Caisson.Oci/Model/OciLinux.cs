namespace Caisson.Oci;

/// <summary>What the specification says about Linux containers.</summary>
public sealed partial record OciLinux
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciLinux() { }

    /// <summary>User ids of the user namespace.</summary>
    public SpecList<LinuxIdMapping> UidMappings { get; init; } = [];

    /// <summary>Group ids of the user namespace.</summary>
    public SpecList<LinuxIdMapping> GidMappings { get; init; } = [];

    /// <summary>Kernel parameters of the container's namespaces.</summary>
    public SpecMap<string> Sysctl { get; init; } = SpecMap<string>.Empty;

    /// <summary>Limits of the cgroup.</summary>
    public LinuxResources? Resources { get; init; }

    /// <summary>The cgroup: a path, or slice:prefix:name for systemd.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>Namespaces to create or to join; those not named are the runtime's own.</summary>
    public SpecList<LinuxNamespace> Namespaces { get; init; } = [];

    /// <summary>Device nodes to make, beside the specification's default ones.</summary>
    public SpecList<LinuxDevice> Devices { get; init; } = [];

    /// <summary>Network devices of the host, by name, that move into the container.</summary>
    public SpecMap<LinuxNetDevice> NetDevices { get; init; } = SpecMap<LinuxNetDevice>.Empty;

    /// <summary>The filter of system calls.</summary>
    public LinuxSeccomp? Seccomp { get; init; }

    /// <summary>Propagation of the root mount: shared, slave, private or unbindable.</summary>
    public string? RootfsPropagation { get; init; }

    /// <summary>Paths that cannot be read inside.</summary>
    public SpecList<string> MaskedPaths { get; init; } = [];

    /// <summary>Paths that cannot be written inside.</summary>
    public SpecList<string> ReadonlyPaths { get; init; } = [];

    /// <summary>The SELinux context of mounts.</summary>
    public string? MountLabel { get; init; }

    /// <summary>Intel Resource Director Technology.</summary>
    public LinuxIntelRdt? IntelRdt { get; init; }

    /// <summary>NUMA memory policy, set_mempolicy(2).</summary>
    public LinuxMemoryPolicy? MemoryPolicy { get; init; }

    /// <summary>The execution domain, personality(2).</summary>
    public LinuxPersonality? Personality { get; init; }

    /// <summary>Offsets of the time namespace's clocks: monotonic, boottime.</summary>
    public SpecMap<LinuxTimeOffset> TimeOffsets { get; init; } = SpecMap<LinuxTimeOffset>.Empty;
}
