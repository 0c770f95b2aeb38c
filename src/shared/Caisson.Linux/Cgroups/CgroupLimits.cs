namespace Caisson.Linux;

/// <summary>Limits of a cgroup, in the terms of the OCI runtime specification (which are those of cgroup v1). What is null stays as it is.</summary>
public sealed record CgroupLimits
{
    /// <summary>CPU time and placement.</summary>
    public CgroupCpuLimits? Cpu { get; init; }

    /// <summary>Memory.</summary>
    public CgroupMemoryLimits? Memory { get; init; }

    /// <summary>Number of tasks; 0 and below is without limit.</summary>
    public long? Pids { get; init; }

    /// <summary>Block I/O.</summary>
    public CgroupBlockLimits? Block { get; init; }

    /// <summary>Bytes by page size, such as 2MB.</summary>
    public IReadOnlyDictionary<string, ulong>? HugePages { get; init; }

    /// <summary>The class of packets (net_cls, v1 only).</summary>
    public uint? NetworkClass { get; init; }

    /// <summary>Priorities by interface (net_prio, v1 only).</summary>
    public IReadOnlyDictionary<string, uint>? NetworkPriorities { get; init; }

    /// <summary>RDMA resources by device.</summary>
    public IReadOnlyDictionary<string, CgroupRdmaLimit>? Rdma { get; init; }

    /// <summary>Device rules, the last matching one decides; what no rule allows is denied.</summary>
    public IReadOnlyList<DeviceRule>? Devices { get; init; }

    /// <summary>Files of cgroup v2 and what to write to them.</summary>
    public IReadOnlyDictionary<string, string>? Unified { get; init; }
}

/// <summary>CPU limits.</summary>
public sealed record CgroupCpuLimits
{
    /// <summary>Relative weight, 2 to 262144.</summary>
    public ulong? Shares { get; init; }

    /// <summary>Microseconds per period; negative is without limit.</summary>
    public long? Quota { get; init; }

    /// <summary>The period in microseconds.</summary>
    public ulong? Period { get; init; }

    /// <summary>Microseconds that may be saved up.</summary>
    public ulong? Burst { get; init; }

    /// <summary>Real-time microseconds per real-time period (v1 only).</summary>
    public long? RealtimeRuntime { get; init; }

    /// <summary>The real-time period in microseconds (v1 only).</summary>
    public ulong? RealtimePeriod { get; init; }

    /// <summary>1 makes the cgroup SCHED_IDLE.</summary>
    public long? Idle { get; init; }

    /// <summary>CPUs, a list such as 0-3,7.</summary>
    public string? Cpus { get; init; }

    /// <summary>Memory nodes, a list.</summary>
    public string? Mems { get; init; }
}

/// <summary>Memory limits in bytes; -1 is without limit.</summary>
public sealed record CgroupMemoryLimits
{
    /// <summary>Memory.</summary>
    public long? Limit { get; init; }

    /// <summary>The soft limit.</summary>
    public long? Reservation { get; init; }

    /// <summary>Memory and swap together.</summary>
    public long? Swap { get; init; }

    /// <summary>Kernel memory. Ignored: kernels since 5.16 refuse it, and the specification calls it obsolete.</summary>
    public long? Kernel { get; init; }

    /// <summary>Kernel memory of TCP buffers (v1 only).</summary>
    public long? KernelTcp { get; init; }

    /// <summary>How readily pages are swapped, 0 to 100 (v1 only).</summary>
    public ulong? Swappiness { get; init; }

    /// <summary>Whether tasks wait instead of being killed when memory is short (v1 only).</summary>
    public bool? DisableOomKiller { get; init; }

    /// <summary>Whether children are counted; kernels since 5.11 and v2 always do, and refuse false.</summary>
    public bool? UseHierarchy { get; init; }

    /// <summary>Whether a limit below the present use is refused.</summary>
    public bool CheckBeforeUpdate { get; init; }
}

/// <summary>Block I/O limits.</summary>
public sealed record CgroupBlockLimits
{
    /// <summary>Relative weight, 10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Relative weight against child cgroups (v1 with CFQ only).</summary>
    public ushort? LeafWeight { get; init; }

    /// <summary>Weights by device.</summary>
    public IReadOnlyList<BlockDeviceWeight> DeviceWeights { get; init; } = [];

    /// <summary>Bytes and operations per second by device.</summary>
    public IReadOnlyList<BlockDeviceThrottle> Throttles { get; init; } = [];
}

/// <summary>The weight of one block device.</summary>
/// <param name="Major">Its major number.</param>
/// <param name="Minor">Its minor number.</param>
/// <param name="Weight">The weight.</param>
/// <param name="LeafWeight">The weight against child cgroups.</param>
public readonly record struct BlockDeviceWeight(long Major, long Minor, ushort? Weight, ushort? LeafWeight = null);

/// <summary>What a throttle counts.</summary>
public enum BlockThrottleKind
{
    /// <summary>Bytes read per second.</summary>
    ReadBytes,

    /// <summary>Bytes written per second.</summary>
    WriteBytes,

    /// <summary>Reads per second.</summary>
    ReadOperations,

    /// <summary>Writes per second.</summary>
    WriteOperations,
}

/// <summary>The throttle of one block device.</summary>
/// <param name="Kind">What it counts.</param>
/// <param name="Major">The device's major number.</param>
/// <param name="Minor">The device's minor number.</param>
/// <param name="Rate">Per second; 0 is without limit.</param>
public readonly record struct BlockDeviceThrottle(BlockThrottleKind Kind, long Major, long Minor, ulong Rate);

/// <summary>RDMA limits of one device.</summary>
/// <param name="Handles">Handles; null is without limit.</param>
/// <param name="Objects">Objects; null is without limit.</param>
public readonly record struct CgroupRdmaLimit(uint? Handles, uint? Objects);
