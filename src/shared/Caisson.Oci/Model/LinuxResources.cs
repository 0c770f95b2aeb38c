namespace Caisson.Oci;

/// <summary>Limits of a cgroup.</summary>
public sealed partial record LinuxResources
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxResources() { }

    /// <summary>Rules of device access, in order.</summary>
    public SpecList<LinuxDeviceCgroup> Devices { get; init; } = [];

    /// <summary>Memory.</summary>
    public LinuxMemory? Memory { get; init; }

    /// <summary>CPU time and placement.</summary>
    public LinuxCpu? Cpu { get; init; }

    /// <summary>Number of tasks.</summary>
    public LinuxPids? Pids { get; init; }

    /// <summary>Block I/O.</summary>
    public LinuxBlockIO? BlockIO { get; init; }

    /// <summary>Huge pages, by page size.</summary>
    public SpecList<LinuxHugepageLimit> HugepageLimits { get; init; } = [];

    /// <summary>Network class and priorities, cgroup v1.</summary>
    public LinuxNetwork? Network { get; init; }

    /// <summary>RDMA resources, by device.</summary>
    public SpecMap<LinuxRdma> Rdma { get; init; } = SpecMap<LinuxRdma>.Empty;

    /// <summary>Files of cgroup v2 and what to write to them.</summary>
    public SpecMap<string> Unified { get; init; } = SpecMap<string>.Empty;
}

/// <summary>One rule of device access.</summary>
public sealed partial record LinuxDeviceCgroup
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxDeviceCgroup() { }

    /// <summary>Allow, or deny?</summary>
    public bool Allow { get; init; }

    /// <summary>a, c or b; all when absent.</summary>
    public string? Type { get; init; }

    /// <summary>Major number; all when absent.</summary>
    public long? Major { get; init; }

    /// <summary>Minor number; all when absent.</summary>
    public long? Minor { get; init; }

    /// <summary>Of r, w and m.</summary>
    public string? Access { get; init; }
}

/// <summary>Memory limits, in bytes; -1 is without limit.</summary>
public sealed partial record LinuxMemory
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxMemory() { }

    /// <summary>Memory.</summary>
    public long? Limit { get; init; }

    /// <summary>The soft limit.</summary>
    public long? Reservation { get; init; }

    /// <summary>Memory and swap together.</summary>
    public long? Swap { get; init; }

    /// <summary>Kernel memory; obsolete.</summary>
    public long? Kernel { get; init; }

    /// <summary>Kernel memory of TCP; obsolete.</summary>
    public long? KernelTcp { get; init; }

    /// <summary>How readily pages are swapped, 0 to 100.</summary>
    public ulong? Swappiness { get; init; }

    /// <summary>Is the OOM killer off for the cgroup?</summary>
    public bool? DisableOomKiller { get; init; }

    /// <summary>Are children accounted to the cgroup?</summary>
    public bool? UseHierarchy { get; init; }

    /// <summary>Is a limit below the present use refused?</summary>
    public bool? CheckBeforeUpdate { get; init; }
}

/// <summary>CPU limits.</summary>
public sealed partial record LinuxCpu
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxCpu() { }

    /// <summary>Relative weight, cgroup v1's scale.</summary>
    public ulong? Shares { get; init; }

    /// <summary>Microseconds per period; negative is without limit.</summary>
    public long? Quota { get; init; }

    /// <summary>Microseconds that may be saved up.</summary>
    public ulong? Burst { get; init; }

    /// <summary>The period, in microseconds.</summary>
    public ulong? Period { get; init; }

    /// <summary>Real-time microseconds per real-time period.</summary>
    public long? RealtimeRuntime { get; init; }

    /// <summary>The real-time period, in microseconds.</summary>
    public ulong? RealtimePeriod { get; init; }

    /// <summary>CPUs, a list such as 0-3,7.</summary>
    public string? Cpus { get; init; }

    /// <summary>Memory nodes, a list.</summary>
    public string? Mems { get; init; }

    /// <summary>1 makes the whole cgroup SCHED_IDLE.</summary>
    public long? Idle { get; init; }
}

/// <summary>The limit on tasks.</summary>
public sealed partial record LinuxPids
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxPids() { }

    /// <summary>How many; -1 is without limit.</summary>
    public long? Limit { get; init; }
}

/// <summary>The limit on huge pages of one size.</summary>
public sealed partial record LinuxHugepageLimit
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxHugepageLimit() { }

    /// <summary>The size, e.g. 2MB.</summary>
    public string PageSize { get; init; } = "";

    /// <summary>Bytes.</summary>
    public ulong Limit { get; init; }
}

/// <summary>RDMA limits of one device.</summary>
public sealed partial record LinuxRdma
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxRdma() { }

    /// <summary>Handles.</summary>
    public uint? HcaHandles { get; init; }

    /// <summary>Objects.</summary>
    public uint? HcaObjects { get; init; }
}

/// <summary>Network class and priorities, cgroup v1.</summary>
public sealed partial record LinuxNetwork
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxNetwork() { }

    /// <summary>The class of net_cls.</summary>
    public uint? ClassId { get; init; }

    /// <summary>Priorities of net_prio.</summary>
    public SpecList<LinuxInterfacePriority> Priorities { get; init; } = [];
}

/// <summary>The priority of one interface.</summary>
public sealed partial record LinuxInterfacePriority
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxInterfacePriority() { }

    /// <summary>The interface.</summary>
    public string Name { get; init; } = "";

    /// <summary>The priority.</summary>
    public uint Priority { get; init; }
}
