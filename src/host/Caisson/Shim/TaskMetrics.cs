using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>What a container uses, in the form that containerd expects of a host with this kind of cgroups.</summary>
internal static class TaskMetrics
{
    private const ulong NanosecondsPerMicrosecond = 1000;

    internal static Any Of(CgroupStats stats, bool isUnified) => isUnified
        ? new Any { TypeUrl = "io.containerd.cgroups.v2.Metrics", Value = Unified(stats).ToByteString() }
        : new Any { TypeUrl = "io.containerd.cgroups.v1.Metrics", Value = Legacy(stats).ToByteString() };

    private static LegacyMetrics Legacy(CgroupStats stats)
    {
        CgroupMemoryStats memory = stats.Memory;
        var metrics = new LegacyMetrics
        {
            Pids = new LegacyPids { Current = stats.PidsCurrent ?? 0, Limit = Bounded(stats.PidsLimit) },
            Cpu = new LegacyCpu
            {
                Usage = new LegacyCpuUsage
                {
                    Total = stats.Cpu.UsageNanoseconds,
                    Kernel = stats.Cpu.SystemNanoseconds,
                    User = stats.Cpu.UserNanoseconds,
                    PerCpu = { stats.Cpu.PerCpuNanoseconds },
                },
                Throttling = new LegacyThrottle
                {
                    Periods = stats.Cpu.Periods,
                    ThrottledPeriods = stats.Cpu.ThrottledPeriods,
                    ThrottledTime = stats.Cpu.ThrottledNanoseconds,
                },
            },
            Memory = new LegacyMemory
            {
                Cache = Stat(memory, "cache"),
                Rss = Stat(memory, "rss"),
                MappedFile = Stat(memory, "mapped_file"),
                PgFault = Stat(memory, "pgfault"),
                PgMajFault = Stat(memory, "pgmajfault"),
                InactiveAnon = Stat(memory, "inactive_anon"),
                ActiveAnon = Stat(memory, "active_anon"),
                InactiveFile = Stat(memory, "inactive_file"),
                ActiveFile = Stat(memory, "active_file"),
                TotalCache = Stat(memory, "total_cache"),
                TotalRss = Stat(memory, "total_rss"),
                TotalMappedFile = Stat(memory, "total_mapped_file"),
                TotalPgFault = Stat(memory, "total_pgfault"),
                TotalPgMajFault = Stat(memory, "total_pgmajfault"),
                TotalInactiveAnon = Stat(memory, "total_inactive_anon"),
                TotalActiveAnon = Stat(memory, "total_active_anon"),
                TotalInactiveFile = Stat(memory, "total_inactive_file"),
                TotalActiveFile = Stat(memory, "total_active_file"),
                Usage = new LegacyMemoryEntry
                {
                    Limit = memory.Limit ?? 0,
                    Usage = memory.Usage,
                    Max = memory.MaxUsage ?? 0,
                    Failcnt = memory.FailCount ?? 0,
                },
                Swap = new LegacyMemoryEntry { Limit = memory.SwapLimit ?? 0, Usage = memory.SwapUsage ?? 0 },
                Kernel = new LegacyMemoryEntry { Usage = memory.KernelUsage ?? 0 },
            },
        };
        return metrics;
    }

    private static UnifiedMetrics Unified(CgroupStats stats) => new()
    {
        Pids = new UnifiedPids { Current = stats.PidsCurrent ?? 0, Limit = Bounded(stats.PidsLimit) },
        Cpu = new UnifiedCpu
        {
            UsageUsec = stats.Cpu.UsageNanoseconds / NanosecondsPerMicrosecond,
            UserUsec = stats.Cpu.UserNanoseconds / NanosecondsPerMicrosecond,
            SystemUsec = stats.Cpu.SystemNanoseconds / NanosecondsPerMicrosecond,
            NrPeriods = stats.Cpu.Periods,
            NrThrottled = stats.Cpu.ThrottledPeriods,
            ThrottledUsec = stats.Cpu.ThrottledNanoseconds / NanosecondsPerMicrosecond,
        },
        Memory = new UnifiedMemory
        {
            Anon = Stat(stats.Memory, "anon"),
            File = Stat(stats.Memory, "file"),
            KernelStack = Stat(stats.Memory, "kernel_stack"),
            Slab = Stat(stats.Memory, "slab"),
            InactiveAnon = Stat(stats.Memory, "inactive_anon"),
            ActiveAnon = Stat(stats.Memory, "active_anon"),
            InactiveFile = Stat(stats.Memory, "inactive_file"),
            ActiveFile = Stat(stats.Memory, "active_file"),
            Pgfault = Stat(stats.Memory, "pgfault"),
            Pgmajfault = Stat(stats.Memory, "pgmajfault"),
            Usage = stats.Memory.Usage,
            UsageLimit = stats.Memory.Limit ?? ulong.MaxValue,
            SwapUsage = stats.Memory.SwapUsage ?? 0,
            SwapLimit = stats.Memory.SwapLimit ?? 0,
        },
    };

    private static ulong Stat(CgroupMemoryStats memory, string name) => memory.Stat.GetValueOrDefault(name);

    // containerd writes no limit as 0.
    private static ulong Bounded(ulong? limit) => limit is null or ulong.MaxValue ? 0 : limit.Value;
}
