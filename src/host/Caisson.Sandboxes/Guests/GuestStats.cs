using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf.Collections;

namespace Caisson.Sandboxes;

/// <summary>An agent's statistics in the form that cgroups of the host give them.</summary>
internal static class GuestStats
{
    internal static Linux.CgroupStats From(StatsContainerResponse response)
    {
        Protocol.CgroupStats stats = response.CgroupStats ?? new Protocol.CgroupStats();
        CpuUsage cpu = stats.CpuStats?.CpuUsage ?? new CpuUsage();
        ThrottlingData throttling = stats.CpuStats?.ThrottlingData ?? new ThrottlingData();
        return new Linux.CgroupStats
        {
            Cpu = new CgroupCpuStats
            {
                UsageNanoseconds = cpu.TotalUsage,
                UserNanoseconds = cpu.UsageInUsermode,
                SystemNanoseconds = cpu.UsageInKernelmode,
                PerCpuNanoseconds = [.. cpu.PercpuUsage],
                Periods = throttling.Periods,
                ThrottledPeriods = throttling.ThrottledPeriods,
                ThrottledNanoseconds = throttling.ThrottledTime,
            },
            Memory = Memory(stats.MemoryStats ?? new MemoryStats()),
            PidsCurrent = stats.PidsStats?.Current,
            PidsLimit = stats.PidsStats?.Limit,
            Block = new CgroupBlockStats
            {
                ServiceBytes = Entries(stats.BlkioStats?.IoServiceBytesRecursive),
                Serviced = Entries(stats.BlkioStats?.IoServicedRecursive),
            },
        };
    }

    private static CgroupMemoryStats Memory(MemoryStats memory) => new()
    {
        Usage = memory.Usage?.Usage ?? 0,
        MaxUsage = memory.Usage?.MaxUsage,
        Limit = memory.Usage?.Limit,
        FailCount = memory.Usage?.Failcnt,
        Cache = memory.Cache,
        SwapUsage = memory.SwapUsage?.Usage,
        SwapLimit = memory.SwapUsage?.Limit,
        KernelUsage = memory.KernelUsage?.Usage,
        Stat = new Dictionary<string, ulong>(memory.Stats),
    };

    private static List<BlockIoEntry> Entries(RepeatedField<BlkioStatsEntry>? entries)
    {
        var list = new List<BlockIoEntry>();
        foreach (BlkioStatsEntry entry in entries ?? [])
        {
            list.Add(new BlockIoEntry(entry.Major, entry.Minor, entry.Op, entry.Value));
        }

        return list;
    }
}
