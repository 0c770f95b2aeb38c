namespace Caisson.IntegrationTests.Fields;

/// <content>Limits: what the container's cgroup has, by the files that it sees of it.</content>
internal static partial class FieldCases
{
    private const string Limits = "limits";

    // What the guest has not, or the machine is bound by on the host; the host of the tests has cgroup v1.
    private const string LegacyLimits = "legacy limits";

    private static readonly FieldCase[] s_limits =
    [
        new("linux.resources.memory.limit", Limits, """{"linux":{"resources":{"memory":{"limit":67108864}}}}""", V1OrV2("memory/memory.limit_in_bytes", "memory.max"), "67108864", "67108864"),
        new("linux.resources.memory.reservation", Limits, """{"linux":{"resources":{"memory":{"reservation":33554432}}}}""", V1OrV2("memory/memory.soft_limit_in_bytes", "memory.low"), "33554432", "33554432"),
        new("linux.resources.memory.checkBeforeUpdate", Limits, """{"linux":{"resources":{"memory":{"checkBeforeUpdate":true,"useHierarchy":true,"disableOOMKiller":false}}}}""", "true", "", ""),
        new("linux.resources.memory.disableOOMKiller", Limits, "{}", "sed -n 's/^oom_kill_disable //p' /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || true", "0", ""),
        new("linux.resources.cpu.shares", Limits, """{"linux":{"resources":{"cpu":{"shares":512}}}}""", V1OrV2("cpu/cpu.shares", "cpu.weight"), "512", "59"),
        new("linux.resources.cpu", Limits, """{"linux":{"resources":{"cpu":{"quota":40000,"period":50000}}}}""", "cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us", "40000 50000", "40000 50000"),
        new("linux.resources.cpu.burst", Limits, """{"linux":{"resources":{"cpu":{"burst":10000}}}}""", V1OrV2("cpu/cpu.cfs_burst_us", "cpu.max.burst"), "10000", "10000"),
        new("linux.resources.pids.limit", Limits, """{"linux":{"resources":{"pids":{"limit":77}}}}""", V1OrV2("pids/pids.max", "pids.max"), "77", "77"),
        new("linux.cgroupsPath", Limits, """{"linux":{"cgroupsPath":"/{name}"}}""", "grep -c ':pids:/{name}$' /proc/self/cgroup", "1", null),
        new("linux.resources.memory.swap", Limits, """{"linux":{"resources":{"memory":{"swap":134217728}}}}""", V1OrV2("memory/memory.memsw.limit_in_bytes", "memory.swap.max"), "134217728", "67108864"),
        new("linux.resources.memory.kernelTCP", LegacyLimits, """{"linux":{"resources":{"memory":{"kernelTCP":16777216}}}}""", "cat /sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes", "16777216", null),
        new("linux.resources.memory.swappiness", LegacyLimits, """{"linux":{"resources":{"memory":{"swappiness":33}}}}""", "cat /sys/fs/cgroup/memory/memory.swappiness", "33", null),
        new("linux.resources.memory.useHierarchy", LegacyLimits, """{"linux":{"resources":{"memory":{"useHierarchy":true}}}}""", "cat /sys/fs/cgroup/memory/memory.use_hierarchy", "1", null),
        new("linux.resources.cpu real-time", LegacyLimits, """{"linux":{"cgroupsPath":"/{name}-legacy","resources":{"cpu":{"realtimeRuntime":5000,"realtimePeriod":500000}}}}""",
            "cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us /sys/fs/cgroup/cpu/cpu.rt_period_us", "5000 500000", null),
        new("linux.resources.cpu placement", LegacyLimits, """{"linux":{"resources":{"cpu":{"cpus":"1","mems":"0"}}}}""", "cat /sys/fs/cgroup/cpuset/cpuset.cpus /sys/fs/cgroup/cpuset/cpuset.mems; nproc", "1 0 1", null),
        new("linux.resources.cpu.idle", LegacyLimits, """{"linux":{"resources":{"cpu":{"idle":1}}}}""", "cat /sys/fs/cgroup/cpu/cpu.idle", "1", null),
        new("linux.resources.blockIO.throttleReadBpsDevice[]", LegacyLimits, Throttle("throttleReadBpsDevice", 1048576), "cat /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device", "7:0 1048576", null),
        new("linux.resources.blockIO.throttleWriteBpsDevice[]", LegacyLimits, Throttle("throttleWriteBpsDevice", 2097152), "cat /sys/fs/cgroup/blkio/blkio.throttle.write_bps_device", "7:0 2097152", null),
        new("linux.resources.blockIO.throttleReadIOPSDevice[]", LegacyLimits, Throttle("throttleReadIOPSDevice", 100), "cat /sys/fs/cgroup/blkio/blkio.throttle.read_iops_device", "7:0 100", null),
        new("linux.resources.blockIO.throttleWriteIOPSDevice[]", LegacyLimits, Throttle("throttleWriteIOPSDevice", 200), "cat /sys/fs/cgroup/blkio/blkio.throttle.write_iops_device", "7:0 200", null),
        new("linux.resources.hugepageLimits[]", LegacyLimits, """{"linux":{"resources":{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}}}""",
            "cat /sys/fs/cgroup/unified/hugetlb.2MB.max /sys/fs/cgroup/unified/hugetlb.2MB.rsvd.max", "4194304 4194304", null),
        new("linux.resources.unified.{}", Limits, """{"linux":{"resources":{"unified":{"memory.high":"50331648"}}}}""", "cat /sys/fs/cgroup/memory.high", null, "50331648"),
    ];

    private static string Throttle(string field, int rate) =>
        """{"linux":{"resources":{"blockIO":{"FIELD":[{"major":7,"minor":0,"rate":RATE}]}}}}""".Replace("FIELD", field, StringComparison.Ordinal).Replace("RATE", $"{rate}", StringComparison.Ordinal);

    private static string V1OrV2(string legacy, string unified) => $"cat /sys/fs/cgroup/{unified} 2>/dev/null || cat /sys/fs/cgroup/{legacy}";
}
