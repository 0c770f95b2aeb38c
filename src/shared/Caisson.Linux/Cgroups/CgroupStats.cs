namespace Caisson.Linux;

/// <summary>What a cgroup has used. What the kernel does not count is null or empty. A value without limit is <see cref="ulong.MaxValue"/>.</summary>
public sealed record CgroupStats
{
    /// <summary>CPU time.</summary>
    public CgroupCpuStats Cpu { get; init; } = new();

    /// <summary>Memory.</summary>
    public CgroupMemoryStats Memory { get; init; } = new();

    /// <summary>Tasks now.</summary>
    public ulong? PidsCurrent { get; init; }

    /// <summary>Tasks allowed.</summary>
    public ulong? PidsLimit { get; init; }

    /// <summary>Block I/O.</summary>
    public CgroupBlockStats Block { get; init; } = new();

    /// <summary>Huge pages, by page size.</summary>
    public IReadOnlyDictionary<string, CgroupHugePageStats> HugePages { get; init; } = new Dictionary<string, CgroupHugePageStats>();
}

/// <summary>CPU time used, in nanoseconds.</summary>
public sealed record CgroupCpuStats
{
    /// <summary>All of it.</summary>
    public ulong UsageNanoseconds { get; init; }

    /// <summary>In user mode.</summary>
    public ulong UserNanoseconds { get; init; }

    /// <summary>In the kernel.</summary>
    public ulong SystemNanoseconds { get; init; }

    /// <summary>By CPU (v1 only).</summary>
    public IReadOnlyList<ulong> PerCpuNanoseconds { get; init; } = [];

    /// <summary>Periods of the quota that have passed.</summary>
    public ulong Periods { get; init; }

    /// <summary>Periods in which the quota was used up.</summary>
    public ulong ThrottledPeriods { get; init; }

    /// <summary>Time spent waiting for quota.</summary>
    public ulong ThrottledNanoseconds { get; init; }
}

/// <summary>Memory used, in bytes.</summary>
public sealed record CgroupMemoryStats
{
    /// <summary>Now.</summary>
    public ulong Usage { get; init; }

    /// <summary>The greatest so far.</summary>
    public ulong? MaxUsage { get; init; }

    /// <summary>The limit.</summary>
    public ulong? Limit { get; init; }

    /// <summary>How often the limit was hit.</summary>
    public ulong? FailCount { get; init; }

    /// <summary>Page cache.</summary>
    public ulong Cache { get; init; }

    /// <summary>v1: memory and swap together; v2: swap alone.</summary>
    public ulong? SwapUsage { get; init; }

    /// <summary>The limit of <see cref="SwapUsage"/>.</summary>
    public ulong? SwapLimit { get; init; }

    /// <summary>Kernel memory.</summary>
    public ulong? KernelUsage { get; init; }

    /// <summary>TCP buffers.</summary>
    public ulong? KernelTcpUsage { get; init; }

    /// <summary>How often a task was killed for lack of memory.</summary>
    public ulong? OomKills { get; init; }

    /// <summary>memory.stat.</summary>
    public IReadOnlyDictionary<string, ulong> Stat { get; init; } = new Dictionary<string, ulong>();
}

/// <summary>Block I/O done.</summary>
public sealed record CgroupBlockStats
{
    /// <summary>Bytes.</summary>
    public IReadOnlyList<BlockIoEntry> ServiceBytes { get; init; } = [];

    /// <summary>Operations.</summary>
    public IReadOnlyList<BlockIoEntry> Serviced { get; init; } = [];
}

/// <summary>A count of one block device.</summary>
/// <param name="Major">Its major number.</param>
/// <param name="Minor">Its minor number.</param>
/// <param name="Operation">Read, Write, Discard, Total and such.</param>
/// <param name="Value">The count.</param>
public readonly record struct BlockIoEntry(ulong Major, ulong Minor, string Operation, ulong Value);

/// <summary>Huge pages of one size, in bytes.</summary>
/// <param name="Usage">Now.</param>
/// <param name="MaxUsage">The greatest so far.</param>
/// <param name="FailCount">How often the limit was hit.</param>
public readonly record struct CgroupHugePageStats(ulong Usage, ulong? MaxUsage, ulong? FailCount);
