namespace Caisson.Linux;

/// <summary>Limits by cgroup v2 files (Documentation/admin-guide/cgroup-v2.rst), converted from v1's terms.</summary>
internal static class UnifiedLimits
{
    private const ulong DefaultPeriod = 100_000; // microseconds, the kernel's own

    internal static void Apply(string directory, CgroupLimits limits)
    {
        if (limits.Devices is { Count: > 0 } devices)
        {
            using DirectoryFd cgroup = DirectoryFd.Open(directory);
            DeviceProgram.Install(cgroup, devices, directory);
        }

        if (limits.Memory is { } memory)
        {
            ApplyMemory(directory, memory);
        }

        if (limits.Cpu is { } cpu)
        {
            ApplyCpu(directory, cpu);
        }

        if (limits.Pids is { } pids)
        {
            CgroupFile.Write(directory, "pids.max", pids > 0 ? $"{pids}" : "max");
        }

        if (limits.Block is { } block)
        {
            ApplyBlock(directory, block);
        }

        foreach ((string size, ulong bytes) in limits.HugePages ?? new Dictionary<string, ulong>())
        {
            CgroupFile.Write(directory, $"hugetlb.{size}.max", $"{bytes}");
            _ = CgroupFile.TryWrite(directory, $"hugetlb.{size}.rsvd.max", $"{bytes}", out _); // since 5.7
        }

        foreach ((string device, CgroupRdmaLimit limit) in limits.Rdma ?? new Dictionary<string, CgroupRdmaLimit>())
        {
            CgroupFile.Write(directory, "rdma.max", LegacyLimits.RdmaLine(device, limit));
        }

        if (limits.NetworkClass is not null || limits.NetworkPriorities is { Count: > 0 })
        {
            throw new CgroupException("network.classID and network.priorities need cgroup v1; this host has v2 only");
        }

        ApplyUnified(directory, limits.Unified);
    }

    /// <summary>
    /// Maps v1 shares, 2 to 262144, onto v2 weights, 1 to 10000, so that both defaults meet: 1024 becomes 100.
    /// The exponent is the quadratic in log2(shares) that runtimes agreed on; a straight line gave the default a weight of 39.
    /// </summary>
    internal static ulong WeightOf(ulong shares)
    {
        const ulong MinShares = 2;
        const ulong MaxShares = 262_144;
        if (shares <= MinShares)
        {
            return 1;
        }

        if (shares >= MaxShares)
        {
            return 10_000;
        }

        double log = Math.Log2(shares);
        double exponent = (((log * log) + (125 * log)) / 612.0) - (7.0 / 34.0);
        return (ulong)Math.Ceiling(Math.Pow(10, exponent));
    }

    /// <summary>Maps v1 block weights, 10 to 1000, onto io.weight, 1 to 10000, by a straight line.</summary>
    internal static ulong IoWeightOf(ushort weight) => 1 + ((ulong)Math.Max(weight - 10, 0) * 9999 / 990);

    /// <summary>The value of memory.swap.max: v1 counts memory and swap together, v2 swap alone.</summary>
    internal static string? SwapOf(long? memoryAndSwap, long? memory)
    {
        if (memoryAndSwap is not { } both)
        {
            return memory is < 0 ? "max" : null;
        }

        if (both < 0)
        {
            return "max";
        }

        return memory switch
        {
            null => throw new CgroupException($"a limit of {both} on memory and swap needs a limit on memory beside it: cgroup v2 limits swap alone"),
            < 0 => throw new CgroupException($"a limit of {both} on memory and swap cannot hold while memory has none"),
            { } limit when limit > both => throw new CgroupException($"memory limit {limit} is greater than the limit {both} on memory and swap"),
            { } limit => $"{both - limit}",
        };
    }

    private static void ApplyMemory(string directory, CgroupMemoryLimits memory)
    {
        LegacyLimits.CheckPresentUse(directory, "memory.current", memory);
        long? limit = memory.Limit;
        if (limit is null && memory.Swap is >= 0 && CgroupFile.ReadNumber(directory, "memory.max") is { } current)
        {
            limit = current > long.MaxValue ? -1 : (long)current; // an update of swap alone
        }

        if (SwapOf(memory.Swap, limit) is { } swap && (memory.Swap is not null || LegacyLimits.HasFile(directory, "memory.swap.max")))
        {
            CgroupFile.Write(directory, "memory.swap.max", swap);
        }

        if (memory.Limit is { } bytes)
        {
            CgroupFile.Write(directory, "memory.max", MaxIfNegative(bytes));
        }

        if (memory.Reservation is { } reservation)
        {
            CgroupFile.Write(directory, "memory.low", MaxIfNegative(reservation));
        }

        RefuseLegacy("memory.swappiness", memory.Swappiness is not null);
        RefuseLegacy("memory.kernelTCP", memory.KernelTcp is > 0);
        RefuseLegacy("memory.disableOOMKiller", memory.DisableOomKiller == true);
        RefuseLegacy("memory.useHierarchy (false)", memory.UseHierarchy == false);
    }

    // What has no counterpart in v2 is refused, unless it asks for what v2 does anyway.
    private static void RefuseLegacy(string field, bool isAsked)
    {
        if (isAsked)
        {
            throw new CgroupException($"resources.{field} needs cgroup v1; this host limits by v2, which has no such thing: leave it out");
        }
    }

    private static void ApplyCpu(string directory, CgroupCpuLimits cpu)
    {
        RefuseLegacy("cpu.realtimeRuntime", cpu.RealtimeRuntime is not (null or 0));
        RefuseLegacy("cpu.realtimePeriod", cpu.RealtimePeriod is not (null or 0));
        if (cpu.Idle is { } idle)
        {
            CgroupFile.Write(directory, "cpu.idle", $"{idle}");
        }

        if (cpu.Shares is > 0 and { } shares && cpu.Idle is not 1)
        {
            CgroupFile.Write(directory, "cpu.weight", $"{WeightOf(shares)}");
        }

        var bandwidth = new List<(string, string)>();
        if (cpu.Quota is not null || cpu.Period is not null)
        {
            bandwidth.Add(("cpu.max", BandwidthOf(cpu, () => CgroupFile.Read(directory, "cpu.max"))));
        }

        if (cpu.Burst is { } burst)
        {
            bandwidth.Add(("cpu.max.burst", $"{burst}"));
        }

        CgroupFile.WriteTogether(directory, bandwidth);
        if (LegacyLimits.Named(cpu.Cpus) is { } cpus)
        {
            CgroupFile.Write(directory, "cpuset.cpus", cpus);
        }

        if (LegacyLimits.Named(cpu.Mems) is { } mems)
        {
            CgroupFile.Write(directory, "cpuset.mems", mems);
        }
    }

    /// <summary>The value of cpu.max, which holds quota and period: the one that is not given keeps its present value.</summary>
    internal static string BandwidthOf(CgroupCpuLimits cpu, Func<string> present)
    {
        if (cpu.Quota is { } quota && cpu.Period is { } period)
        {
            return $"{(quota > 0 ? $"{quota}" : "max")} {period}";
        }

        string[] now = present().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string nowQuota = now.Length > 0 ? now[0] : "max";
        string nowPeriod = now.Length > 1 ? now[1] : $"{DefaultPeriod}";
        return cpu.Quota is { } given
            ? $"{(given > 0 ? $"{given}" : "max")} {nowPeriod}"
            : $"{nowQuota} {cpu.Period}";
    }

    /// <summary>Quota, negative without limit, and period of cpu.max.</summary>
    internal static (long Quota, ulong Period) ParseBandwidth(string text)
    {
        string[] words = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        long quota = words.Length > 0 && long.TryParse(words[0], out long number) ? number : -1;
        return (quota, words.Length > 1 && ulong.TryParse(words[1], out ulong period) ? period : DefaultPeriod);
    }

    private static void ApplyBlock(string directory, CgroupBlockLimits block)
    {
        RefuseLegacy("blockIO.leafWeight", block.LeafWeight is not (null or 0));
        if (block.Weight is { } weight && !CgroupFile.TryWrite(directory, "io.bfq.weight", $"{weight}", out _))
        {
            CgroupFile.Write(directory, "io.weight", $"default {IoWeightOf(weight)}");
        }

        foreach (BlockDeviceWeight device in block.DeviceWeights)
        {
            RefuseLegacy("blockIO.weightDevice.leafWeight", device.LeafWeight is not (null or 0));
            if (device.Weight is { } own && !CgroupFile.TryWrite(directory, "io.bfq.weight", $"{device.Major}:{device.Minor} {own}", out _))
            {
                CgroupFile.Write(directory, "io.weight", $"{device.Major}:{device.Minor} {IoWeightOf(own)}");
            }
        }

        foreach (BlockDeviceThrottle throttle in block.Throttles)
        {
            CgroupFile.Write(directory, "io.max", ThrottleLine(throttle));
        }
    }

    internal static string ThrottleLine(BlockDeviceThrottle throttle)
    {
        string key = throttle.Kind switch
        {
            BlockThrottleKind.ReadBytes => "rbps",
            BlockThrottleKind.WriteBytes => "wbps",
            BlockThrottleKind.ReadOperations => "riops",
            BlockThrottleKind.WriteOperations => "wiops",
            _ => throw new ArgumentOutOfRangeException(nameof(throttle)),
        };
        return $"{throttle.Major}:{throttle.Minor} {key}={(throttle.Rate == 0 ? "max" : $"{throttle.Rate}")}";
    }

    // Names come from the configuration: one that leaves the directory would write anywhere in /sys as root.
    private static void ApplyUnified(string directory, IReadOnlyDictionary<string, string>? files)
    {
        foreach ((string file, string value) in files ?? new Dictionary<string, string>())
        {
            if (file.Length == 0 || file.Contains('/', StringComparison.Ordinal) || file.Contains('\0', StringComparison.Ordinal))
            {
                throw new CgroupException($"resources.unified: \"{file}\" is not the name of a file");
            }

            CgroupFile.Write(directory, file, value);
        }
    }

    private static string MaxIfNegative(long value) => value < 0 ? "max" : $"{value}";
}
