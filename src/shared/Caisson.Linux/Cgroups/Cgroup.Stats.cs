namespace Caisson.Linux;

public sealed partial class Cgroup
{
    private const ulong NanosecondsPerMicrosecond = 1000;
    private const ulong NanosecondsPerTick = 10_000_000; // USER_HZ is 100 on every Linux that user space sees

    /// <summary>What has been used.</summary>
    public CgroupStats Stats() => IsUnified ? UnifiedStats(_paths[UnifiedKey]) : LegacyStats();

    private CgroupStats LegacyStats()
    {
        string? pids = _paths.GetValueOrDefault("pids");
        return new CgroupStats
        {
            Cpu = LegacyCpuStats(_paths.GetValueOrDefault("cpuacct"), _paths.GetValueOrDefault("cpu")),
            Memory = _paths.TryGetValue("memory", out string? memory) ? LegacyMemoryStats(memory) : new CgroupMemoryStats(),
            PidsCurrent = pids is null ? null : CgroupFile.ReadNumber(pids, "pids.current"),
            PidsLimit = pids is null ? null : CgroupFile.ReadNumber(pids, "pids.max"),
            Block = _paths.TryGetValue("blkio", out string? block) ? LegacyBlockStats(block) : new CgroupBlockStats(),
            HugePages = HugePageStats(_paths.GetValueOrDefault("hugetlb") ?? UnifiedDirectory),
        };
    }

    private static CgroupCpuStats LegacyCpuStats(string? accounting, string? cpu)
    {
        Dictionary<string, ulong> throttling = cpu is null ? [] : KeyedFile.Parse(CgroupFile.Read(cpu, "cpu.stat"));
        Dictionary<string, ulong> ticks = accounting is null ? [] : KeyedFile.Parse(CgroupFile.Read(accounting, "cpuacct.stat"));
        return new CgroupCpuStats
        {
            UsageNanoseconds = accounting is null ? 0 : CgroupFile.ReadNumber(accounting, "cpuacct.usage") ?? 0,
            UserNanoseconds = ticks.GetValueOrDefault("user") * NanosecondsPerTick,
            SystemNanoseconds = ticks.GetValueOrDefault("system") * NanosecondsPerTick,
            PerCpuNanoseconds = accounting is null ? [] : Numbers(CgroupFile.Read(accounting, "cpuacct.usage_percpu")),
            Periods = throttling.GetValueOrDefault("nr_periods"),
            ThrottledPeriods = throttling.GetValueOrDefault("nr_throttled"),
            ThrottledNanoseconds = throttling.GetValueOrDefault("throttled_time"),
        };
    }

    private static CgroupMemoryStats LegacyMemoryStats(string directory)
    {
        Dictionary<string, ulong> stat = KeyedFile.Parse(CgroupFile.Read(directory, "memory.stat"));
        return new CgroupMemoryStats
        {
            Usage = CgroupFile.ReadNumber(directory, "memory.usage_in_bytes") ?? 0,
            MaxUsage = CgroupFile.ReadNumber(directory, "memory.max_usage_in_bytes"),
            Limit = CgroupFile.ReadNumber(directory, "memory.limit_in_bytes"),
            FailCount = CgroupFile.ReadNumber(directory, "memory.failcnt"),
            Cache = stat.GetValueOrDefault("cache"),
            SwapUsage = CgroupFile.ReadNumber(directory, "memory.memsw.usage_in_bytes"),
            SwapLimit = CgroupFile.ReadNumber(directory, "memory.memsw.limit_in_bytes"),
            KernelUsage = CgroupFile.ReadNumber(directory, "memory.kmem.usage_in_bytes"),
            KernelTcpUsage = CgroupFile.ReadNumber(directory, "memory.kmem.tcp.usage_in_bytes"),
            OomKills = CgroupFile.TryRead(directory, "memory.oom_control", out string control, out _) ? KeyedFile.Find(control, "oom_kill") : null,
            Stat = stat,
        };
    }

    private static CgroupBlockStats LegacyBlockStats(string directory)
    {
        IReadOnlyList<BlockIoEntry> Read(string kind) =>
            CgroupFile.TryRead(directory, $"blkio.throttle.{kind}_recursive", out string text, out _)
            || CgroupFile.TryRead(directory, $"blkio.bfq.{kind}_recursive", out text, out _) ? ParseBlockLines(text) : [];

        return new CgroupBlockStats { ServiceBytes = Read("io_service_bytes"), Serviced = Read("io_serviced") };
    }

    /// <summary>Lines are <c>8:0 Read 4096</c>; the last one, a total without a device, is left out.</summary>
    internal static List<BlockIoEntry> ParseBlockLines(string text)
    {
        var entries = new List<BlockIoEntry>();
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(' ');
            if (fields.Length == 3 && TryParseDevice(fields[0], out ulong major, out ulong minor) && ulong.TryParse(fields[2], out ulong value))
            {
                entries.Add(new BlockIoEntry(major, minor, fields[1], value));
            }
        }

        return entries;
    }

    private static CgroupStats UnifiedStats(string directory) => new()
    {
        Cpu = UnifiedCpuStats(directory),
        Memory = UnifiedMemoryStats(directory),
        PidsCurrent = CgroupFile.ReadNumber(directory, "pids.current"),
        PidsLimit = CgroupFile.ReadNumber(directory, "pids.max"),
        Block = CgroupFile.TryRead(directory, "io.stat", out string io, out _) ? ParseIoStat(io) : new CgroupBlockStats(),
        HugePages = HugePageStats(directory),
    };

    private static CgroupCpuStats UnifiedCpuStats(string directory)
    {
        Dictionary<string, ulong> stat = CgroupFile.TryRead(directory, "cpu.stat", out string text, out _) ? KeyedFile.Parse(text) : [];
        return new CgroupCpuStats
        {
            UsageNanoseconds = stat.GetValueOrDefault("usage_usec") * NanosecondsPerMicrosecond,
            UserNanoseconds = stat.GetValueOrDefault("user_usec") * NanosecondsPerMicrosecond,
            SystemNanoseconds = stat.GetValueOrDefault("system_usec") * NanosecondsPerMicrosecond,
            Periods = stat.GetValueOrDefault("nr_periods"),
            ThrottledPeriods = stat.GetValueOrDefault("nr_throttled"),
            ThrottledNanoseconds = stat.GetValueOrDefault("throttled_usec") * NanosecondsPerMicrosecond,
        };
    }

    private static CgroupMemoryStats UnifiedMemoryStats(string directory)
    {
        Dictionary<string, ulong> stat = CgroupFile.TryRead(directory, "memory.stat", out string text, out _) ? KeyedFile.Parse(text) : [];
        string events = CgroupFile.TryRead(directory, "memory.events", out string read, out _) ? read : "";
        return new CgroupMemoryStats
        {
            Usage = CgroupFile.ReadNumber(directory, "memory.current") ?? 0,
            MaxUsage = CgroupFile.ReadNumber(directory, "memory.peak"),
            Limit = CgroupFile.ReadNumber(directory, "memory.max"),
            FailCount = KeyedFile.Find(events, "max"),
            Cache = stat.GetValueOrDefault("file"),
            SwapUsage = CgroupFile.ReadNumber(directory, "memory.swap.current"),
            SwapLimit = CgroupFile.ReadNumber(directory, "memory.swap.max"),
            KernelUsage = stat.TryGetValue("kernel", out ulong kernel) ? kernel : null,
            OomKills = KeyedFile.Find(events, "oom_kill"),
            Stat = stat,
        };
    }

    /// <summary>Lines are <c>8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6</c>.</summary>
    internal static CgroupBlockStats ParseIoStat(string text)
    {
        var bytes = new List<BlockIoEntry>();
        var operations = new List<BlockIoEntry>();
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 0 || !TryParseDevice(fields[0], out ulong major, out ulong minor))
            {
                continue;
            }

            for (int i = 1; i < fields.Length; i++)
            {
                int equals = fields[i].IndexOf('=', StringComparison.Ordinal);
                if (equals > 0 && ulong.TryParse(fields[i].AsSpan(equals + 1), out ulong value))
                {
                    AddIoField(fields[i][..equals], new BlockIoEntry(major, minor, "", value), bytes, operations);
                }
            }
        }

        return new CgroupBlockStats { ServiceBytes = bytes, Serviced = operations };
    }

    private static void AddIoField(string key, BlockIoEntry entry, List<BlockIoEntry> bytes, List<BlockIoEntry> operations)
    {
        (List<BlockIoEntry>? list, string name) = key switch
        {
            "rbytes" => (bytes, "Read"),
            "wbytes" => (bytes, "Write"),
            "dbytes" => (bytes, "Discard"),
            "rios" => (operations, "Read"),
            "wios" => (operations, "Write"),
            "dios" => (operations, "Discard"),
            _ => (null, ""),
        };
        list?.Add(entry with { Operation = name });
    }

    // The page sizes are those that the kernel has files for; the directory of sizes is the same for all cgroups.
    private static Dictionary<string, CgroupHugePageStats> HugePageStats(string? directory)
    {
        var stats = new Dictionary<string, CgroupHugePageStats>();
        if (directory is null || !Directory.Exists("/sys/kernel/mm/hugepages"))
        {
            return stats;
        }

        foreach (string path in Directory.GetDirectories("/sys/kernel/mm/hugepages"))
        {
            string size = PageSizeName(Path.GetFileName(path));
            ulong? usage = CgroupFile.ReadNumber(directory, $"hugetlb.{size}.usage_in_bytes") ?? CgroupFile.ReadNumber(directory, $"hugetlb.{size}.current");
            if (usage is { } used)
            {
                stats[size] = new CgroupHugePageStats(
                    used,
                    CgroupFile.ReadNumber(directory, $"hugetlb.{size}.max_usage_in_bytes"),
                    CgroupFile.ReadNumber(directory, $"hugetlb.{size}.failcnt"));
            }
        }

        return stats;
    }

    /// <summary>Turns <c>hugepages-2048kB</c> into the <c>2MB</c> of the file names.</summary>
    internal static string PageSizeName(string directory)
    {
        const string Prefix = "hugepages-";
        if (!directory.StartsWith(Prefix, StringComparison.Ordinal)
            || !ulong.TryParse(directory.AsSpan(Prefix.Length, directory.Length - Prefix.Length - 2), out ulong kilobytes))
        {
            return directory;
        }

        return kilobytes >= 1024 * 1024 ? $"{kilobytes / (1024 * 1024)}GB" : kilobytes >= 1024 ? $"{kilobytes / 1024}MB" : $"{kilobytes}KB";
    }

    private static bool TryParseDevice(string text, out ulong major, out ulong minor)
    {
        minor = 0;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return ulong.TryParse(text.AsSpan(0, Math.Max(colon, 0)), out major) && ulong.TryParse(text.AsSpan(colon + 1), out minor);
    }

    private static List<ulong> Numbers(string text)
    {
        var numbers = new List<ulong>();
        foreach (string field in text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (ulong.TryParse(field, out ulong number))
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }
}
