using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf.Collections;

namespace Caisson.Agent;

/// <summary>Statistics of a cgroup in Kata's form.</summary>
internal static class StatsConversion
{
    internal static StatsContainerResponse From(Linux.CgroupStats stats) => new()
    {
        CgroupStats = new Protocol.CgroupStats
        {
            CpuStats = Cpu(stats.Cpu),
            MemoryStats = Memory(stats.Memory),
            PidsStats = new PidsStats { Current = stats.PidsCurrent ?? 0, Limit = Limit(stats.PidsLimit) },
            BlkioStats = Block(stats.Block),
        },
    };

    private static CpuStats Cpu(CgroupCpuStats cpu) => new()
    {
        CpuUsage = new CpuUsage
        {
            TotalUsage = cpu.UsageNanoseconds,
            UsageInUsermode = cpu.UserNanoseconds,
            UsageInKernelmode = cpu.SystemNanoseconds,
            PercpuUsage = { cpu.PerCpuNanoseconds },
        },
        ThrottlingData = new ThrottlingData
        {
            Periods = cpu.Periods,
            ThrottledPeriods = cpu.ThrottledPeriods,
            ThrottledTime = cpu.ThrottledNanoseconds,
        },
    };

    private static MemoryStats Memory(CgroupMemoryStats memory)
    {
        var stats = new MemoryStats
        {
            Cache = memory.Cache,
            UseHierarchy = true,
            Usage = new MemoryData
            {
                Usage = memory.Usage,
                MaxUsage = memory.MaxUsage ?? 0,
                Failcnt = memory.FailCount ?? 0,
                Limit = memory.Limit ?? ulong.MaxValue,
            },
            SwapUsage = new MemoryData { Usage = memory.SwapUsage ?? 0, Limit = memory.SwapLimit ?? ulong.MaxValue },
            KernelUsage = new MemoryData { Usage = memory.KernelUsage ?? 0 },
        };
        foreach ((string name, ulong value) in memory.Stat)
        {
            stats.Stats[name] = value;
        }

        return stats;
    }

    private static BlkioStats Block(CgroupBlockStats block)
    {
        var stats = new BlkioStats();
        Add(stats.IoServiceBytesRecursive, block.ServiceBytes);
        Add(stats.IoServicedRecursive, block.Serviced);
        return stats;
    }

    private static void Add(RepeatedField<BlkioStatsEntry> target, IReadOnlyList<BlockIoEntry> entries)
    {
        foreach (BlockIoEntry entry in entries)
        {
            target.Add(new BlkioStatsEntry { Major = entry.Major, Minor = entry.Minor, Op = entry.Operation, Value = entry.Value });
        }
    }

    // runc's form says 0 where there is no limit on processes.
    private static ulong Limit(ulong? value) => value is null or ulong.MaxValue ? 0 : value.Value;
}
