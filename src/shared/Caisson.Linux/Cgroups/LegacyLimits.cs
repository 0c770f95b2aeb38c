using System.Text;

namespace Caisson.Linux;

/// <summary>Limits by cgroup v1 files (Documentation/admin-guide/cgroup-v1).</summary>
internal static class LegacyLimits
{
    internal static void Apply(Cgroup cgroup, CgroupLimits limits)
    {
        if (limits.Devices is { Count: > 0 } devices)
        {
            ApplyDevices(cgroup.Require("devices", "a device rule"), devices);
        }

        if (limits.Memory is { } memory)
        {
            ApplyMemory(cgroup, memory);
        }

        if (limits.Cpu is { } cpu)
        {
            ApplyCpu(cgroup, cpu);
            ApplyCpuset(cgroup, cpu);
        }

        if (limits.Pids is { } pids)
        {
            CgroupFile.Write(cgroup.Require("pids", "pids.limit"), "pids.max", pids > 0 ? $"{pids}" : "max");
        }

        if (limits.Block is { } block)
        {
            LegacyBlockLimits.Apply(cgroup, block);
        }

        ApplyHugePages(cgroup, limits.HugePages);
        ApplyNetwork(cgroup, limits);
        ApplyRdma(cgroup, limits.Rdma);
    }

    private static void ApplyDevices(string directory, IReadOnlyList<DeviceRule> rules)
    {
        // Each write is one rule, but the files need opening only once: the usual list has a dozen rules.
        using FileFd allow = FileCalls.Open($"{directory}/devices.allow", OpenFlags.O_WRONLY);
        using FileFd deny = FileCalls.Open($"{directory}/devices.deny", OpenFlags.O_WRONLY);
        foreach (DeviceRule rule in rules)
        {
            string value = rule.ToV1();
            if (!(rule.Allow ? allow : deny).TryWrite(Encoding.ASCII.GetBytes(value), out _, out Errno why))
            {
                throw CgroupFile.Failed(directory, rule.Allow ? "devices.allow" : "devices.deny", value, why);
            }
        }
    }

    private static void ApplyMemory(Cgroup cgroup, CgroupMemoryLimits memory)
    {
        const string Needs = "a memory limit";
        if (memory.Limit is { } limit)
        {
            string directory = cgroup.Require("memory", Needs);
            CheckPresentUse(directory, "memory.usage_in_bytes", memory);
            var writes = new List<(string, string)> { ("memory.limit_in_bytes", Bytes(limit)) };

            // Without a limit on memory, one on memory and swap together would stay in the way.
            long? swap = memory.Swap ?? (limit < 0 && HasFile(directory, "memory.memsw.limit_in_bytes") ? -1 : null);
            if (swap is { } both)
            {
                writes.Add(("memory.memsw.limit_in_bytes", Bytes(both)));
            }

            CgroupFile.WriteTogether(directory, writes);
        }
        else if (memory.Swap is { } swap)
        {
            CgroupFile.Write(cgroup.Require("memory", Needs), "memory.memsw.limit_in_bytes", Bytes(swap));
        }

        ApplyHierarchy(cgroup, memory.UseHierarchy);
        Write(cgroup, "memory", "memory.reservation", "memory.soft_limit_in_bytes", memory.Reservation is { } soft ? Bytes(soft) : null);
        Write(cgroup, "memory", "memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", memory.KernelTcp is { } tcp ? Bytes(tcp) : null);
        Write(cgroup, "memory", "memory.swappiness", "memory.swappiness", memory.Swappiness?.ToString());
        Write(cgroup, "memory", "memory.disableOOMKiller", "memory.oom_control", memory.DisableOomKiller switch { true => "1", false => "0", null => null });
    }

    // True is how it is already, but on old kernels; the file takes a change only while the cgroup has no children.
    private static void ApplyHierarchy(Cgroup cgroup, bool? useHierarchy)
    {
        if (useHierarchy is { } wanted)
        {
            string directory = cgroup.Require("memory", "memory.useHierarchy");
            if (CgroupFile.ReadNumber(directory, "memory.use_hierarchy") is { } present && (present == 1) != wanted)
            {
                CgroupFile.Write(directory, "memory.use_hierarchy", wanted ? "1" : "0");
            }
        }
    }

    internal static void CheckPresentUse(string directory, string file, CgroupMemoryLimits memory)
    {
        if (memory.CheckBeforeUpdate && memory.Limit is > 0 and { } limit && CgroupFile.ReadNumber(directory, file) is { } used && used > (ulong)limit)
        {
            throw new CgroupException($"memory limit {limit} is below the {used} bytes in use ({directory}/{file}), and the configuration asks to check", Errno.EBUSY);
        }
    }

    private static void ApplyCpu(Cgroup cgroup, CgroupCpuLimits cpu)
    {
        var writes = new List<(string, string)>();
        Add(writes, "cpu.idle", cpu.Idle?.ToString());

        // An idle cgroup has no weight of its own: the kernel refuses to set shares then.
        Add(writes, "cpu.shares", cpu.Idle is 1 ? null : cpu.Shares?.ToString());
        Add(writes, "cpu.cfs_period_us", cpu.Period?.ToString());
        Add(writes, "cpu.cfs_quota_us", cpu.Quota is { } quota ? Bytes(quota) : null);
        Add(writes, "cpu.cfs_burst_us", cpu.Burst?.ToString());
        Add(writes, "cpu.rt_period_us", cpu.RealtimePeriod?.ToString());
        Add(writes, "cpu.rt_runtime_us", cpu.RealtimeRuntime?.ToString());
        if (writes.Count > 0)
        {
            CgroupFile.WriteTogether(cgroup.Require("cpu", "a CPU limit"), writes);
        }
    }

    private static void ApplyCpuset(Cgroup cgroup, CgroupCpuLimits cpu)
    {
        Write(cgroup, "cpuset", "cpu.cpus", "cpuset.cpus", Named(cpu.Cpus));
        Write(cgroup, "cpuset", "cpu.mems", "cpuset.mems", Named(cpu.Mems));
    }

    private static void ApplyHugePages(Cgroup cgroup, IReadOnlyDictionary<string, ulong>? limits)
    {
        foreach ((string size, ulong bytes) in limits ?? new Dictionary<string, ulong>())
        {
            // The v1 controller may be missing while v2 beside it has hugetlb.
            bool unified = !cgroup.TryGetDirectory("hugetlb", out string? directory);
            directory ??= cgroup.UnifiedDirectory ?? cgroup.Require("hugetlb", "a huge page limit");
            string suffix = unified ? "max" : "limit_in_bytes";
            if (unified && !HasFile(directory, $"hugetlb.{size}.max"))
            {
                // Beside v1, controllers of v2 are passed down only where they are asked for.
                cgroup.PassDown("hugetlb");
            }

            if (unified && !HasFile(directory, $"hugetlb.{size}.max"))
            {
                throw new CgroupException($"a huge page limit needs the cgroup controller \"hugetlb\" with pages of {size}, which this host has not");
            }

            CgroupFile.Write(directory, $"hugetlb.{size}.{suffix}", $"{bytes}");
            if (HasFile(directory, $"hugetlb.{size}.rsvd.{suffix}"))
            {
                CgroupFile.Write(directory, $"hugetlb.{size}.rsvd.{suffix}", $"{bytes}");
            }
        }
    }

    private static void ApplyNetwork(Cgroup cgroup, CgroupLimits limits)
    {
        Write(cgroup, "net_cls", "network.classID", "net_cls.classid", limits.NetworkClass?.ToString());
        foreach ((string name, uint priority) in limits.NetworkPriorities ?? new Dictionary<string, uint>())
        {
            CgroupFile.Write(cgroup.Require("net_prio", "network.priorities"), "net_prio.ifpriomap", $"{name} {priority}");
        }
    }

    private static void ApplyRdma(Cgroup cgroup, IReadOnlyDictionary<string, CgroupRdmaLimit>? limits)
    {
        foreach ((string device, CgroupRdmaLimit limit) in limits ?? new Dictionary<string, CgroupRdmaLimit>())
        {
            CgroupFile.Write(cgroup.Require("rdma", "an RDMA limit"), "rdma.max", RdmaLine(device, limit));
        }
    }

    internal static string RdmaLine(string device, CgroupRdmaLimit limit) =>
        $"{device} hca_handle={limit.Handles?.ToString() ?? "max"} hca_object={limit.Objects?.ToString() ?? "max"}";

    internal static bool HasFile(string directory, string file) => FileCalls.TryStat($"{directory}/{file}", out _, out _);

    internal static string? Named(string? list) => string.IsNullOrEmpty(list) ? null : list;

    // v1 takes -1 for "no limit", and refuses other negative numbers.
    private static string Bytes(long value) => value < 0 ? "-1" : value.ToString();

    private static void Write(Cgroup cgroup, string controller, string limit, string file, string? value)
    {
        if (value is not null)
        {
            CgroupFile.Write(cgroup.Require(controller, limit), file, value);
        }
    }

    private static void Add(List<(string, string)> writes, string file, string? value)
    {
        if (value is not null)
        {
            writes.Add((file, value));
        }
    }
}
