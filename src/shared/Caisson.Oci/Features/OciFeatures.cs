namespace Caisson.Oci;

/// <summary>What a runtime can do, as the specification's features.md has it. Null is "unknown", never "no".</summary>
public sealed record OciFeatures
{
    /// <summary>The oldest version of the specification that is understood.</summary>
    public required string OciVersionMin { get; init; }

    /// <summary>The newest version of the specification that is understood.</summary>
    public required string OciVersionMax { get; init; }

    /// <summary>The kinds of hooks.</summary>
    public SpecList<string>? Hooks { get; init; }

    /// <summary>Options of mounts, those of file systems left out.</summary>
    public SpecList<string>? MountOptions { get; init; }

    /// <summary>What only Linux has.</summary>
    public LinuxFeatures? Linux { get; init; }

    /// <summary>Free information about the runtime.</summary>
    public SpecMap<string> Annotations { get; init; } = SpecMap<string>.Empty;

    /// <summary>Annotations of a specification that change the runtime's behaviour; a trailing dot makes a prefix.</summary>
    public SpecList<string>? PotentiallyUnsafeConfigAnnotations { get; init; }
}

/// <summary>What a runtime can do on Linux.</summary>
public sealed record LinuxFeatures
{
    /// <summary>Types of namespaces.</summary>
    public SpecList<string>? Namespaces { get; init; }

    /// <summary>Names of capabilities.</summary>
    public SpecList<string>? Capabilities { get; init; }

    /// <summary>Cgroups.</summary>
    public CgroupFeatures? Cgroup { get; init; }

    /// <summary>Seccomp.</summary>
    public SeccompFeatures? Seccomp { get; init; }

    /// <summary>Is AppArmor supported?</summary>
    public bool? Apparmor { get; init; }

    /// <summary>Is SELinux supported?</summary>
    public bool? Selinux { get; init; }

    /// <summary>Intel RDT.</summary>
    public IntelRdtFeatures? IntelRdt { get; init; }

    /// <summary>Modes of NUMA memory policy; null with the flags where there is no such support.</summary>
    public SpecList<string>? MemoryPolicyModes { get; init; }

    /// <summary>Flags of NUMA memory policy.</summary>
    public SpecList<string>? MemoryPolicyFlags { get; init; }

    /// <summary>Are id-mapped mounts supported?</summary>
    public bool? IdMappedMounts { get; init; }

    /// <summary>Can network devices be moved into a container?</summary>
    public bool? NetDevices { get; init; }
}

/// <summary>What a runtime can do with cgroups, whatever the host has.</summary>
public sealed record CgroupFeatures
{
    /// <summary>Version 1?</summary>
    public bool? V1 { get; init; }

    /// <summary>Version 2?</summary>
    public bool? V2 { get; init; }

    /// <summary>By way of systemd?</summary>
    public bool? Systemd { get; init; }

    /// <summary>By way of a user's systemd?</summary>
    public bool? SystemdUser { get; init; }

    /// <summary>RDMA?</summary>
    public bool? Rdma { get; init; }
}

/// <summary>What a runtime can do with seccomp.</summary>
public sealed record SeccompFeatures
{
    /// <summary>Anything at all?</summary>
    public bool? Enabled { get; init; }

    /// <summary>Names of actions.</summary>
    public SpecList<string>? Actions { get; init; }

    /// <summary>Names of comparisons.</summary>
    public SpecList<string>? Operators { get; init; }

    /// <summary>Names of ABIs.</summary>
    public SpecList<string>? Archs { get; init; }

    /// <summary>Flags that are recognized.</summary>
    public SpecList<string>? KnownFlags { get; init; }

    /// <summary>Flags that work on this kernel.</summary>
    public SpecList<string>? SupportedFlags { get; init; }
}

/// <summary>What a runtime can do with Intel RDT.</summary>
/// <param name="Enabled">Anything at all?</param>
/// <param name="Schemata">The field schemata?</param>
/// <param name="Monitoring">The field enableMonitoring?</param>
public sealed record IntelRdtFeatures(bool? Enabled, bool? Schemata = null, bool? Monitoring = null);
