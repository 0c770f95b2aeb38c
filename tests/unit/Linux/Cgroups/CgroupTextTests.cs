using System.Text;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>Conversions and parsers, which need no kernel.</summary>
public sealed class CgroupTextTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(1024, 100)]
    [InlineData(262_144, 10_000)]
    [InlineData(1_000_000, 10_000)]
    [InlineData(0, 1)]
    public void Shares_become_weights_with_both_defaults_meeting(ulong shares, ulong weight) => Assert.Equal(weight, UnifiedLimits.WeightOf(shares));

    [Theory]
    [InlineData((ushort)10, 1)]
    [InlineData((ushort)1000, 10_000)]
    [InlineData((ushort)500, 4950)]
    public void Block_weights_become_io_weights(ushort weight, ulong io) => Assert.Equal(io, UnifiedLimits.IoWeightOf(weight));

    [Theory]
    [InlineData(300L, 100L, "200")]
    [InlineData(100L, 100L, "0")]
    [InlineData(-1L, 100L, "max")]
    [InlineData(null, -1L, "max")]
    [InlineData(null, 100L, null)]
    public void Swap_is_what_remains_beside_memory(long? both, long? memory, string? swap) => Assert.Equal(swap, UnifiedLimits.SwapOf(both, memory));

    [Theory]
    [InlineData(100L, null)]
    [InlineData(100L, 200L)]
    [InlineData(100L, -1L)]
    public void Swap_that_cannot_be_converted_is_refused(long both, long? memory) =>
        Assert.Throws<CgroupException>(() => UnifiedLimits.SwapOf(both, memory));

    [Theory]
    [InlineData(5000L, 20_000UL, "5000 20000")]
    [InlineData(-1L, null, "max 30000")]
    [InlineData(7000L, null, "7000 30000")]
    [InlineData(null, 60_000UL, "9000 60000")]
    public void Bandwidth_keeps_the_half_that_is_not_given(long? quota, ulong? period, string line) =>
        Assert.Equal(line, UnifiedLimits.BandwidthOf(new CgroupCpuLimits { Quota = quota, Period = period }, () => "9000 30000\n"));

    [Theory]
    [InlineData("/a/b", "/sys/fs/cgroup/a/b")]
    [InlineData("a/b", "/sys/fs/cgroup/own/place/a/b")]
    [InlineData("../../../etc", "/sys/fs/cgroup/own/place/etc")]
    [InlineData("/../../etc", "/sys/fs/cgroup/etc")]
    [InlineData("//a/./b//", "/sys/fs/cgroup/a/b")]
    public void Paths_stay_below_their_start(string path, string directory)
    {
        CgroupLayout layout = CgroupLayout.Parse("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"u8, "0::/own/place\n");
        Assert.Equal(CgroupMode.Unified, layout.Mode);
        Assert.Equal(directory, layout.Unified!.Resolve(path));
    }

    [Fact]
    public void Root_is_refused()
    {
        CgroupLayout layout = CgroupLayout.Parse("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"u8, "0::/\n");
        Assert.Throws<CgroupException>(() => layout.Unified!.Resolve("/a/../.."));
    }

    [Fact]
    public void Layouts_with_joint_controllers_bind_mounts_and_named_hierarchies_are_understood()
    {
        byte[] mounts = Encoding.UTF8.GetBytes("""
            20 1 0:1 / / rw - ext4 /dev/vda rw
            32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw master:4 - cgroup cgroup rw,cpu,cpuacct
            33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
            34 31 0:30 / /other/systemd rw - cgroup cgroup rw,xattr,name=systemd
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """);
        CgroupLayout layout = CgroupLayout.Parse(mounts, "2:cpu,cpuacct:/docker/abc/inner\n1:name=systemd:/init.scope\n0::/init.scope\n");
        Assert.Equal(CgroupMode.Hybrid, layout.Mode);
        Assert.Equal(3, layout.Hierarchies.Count);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct/inner/x", layout.Find("cpuacct")!.Resolve("x"));
        Assert.Same(layout.Find("cpu"), layout.Find("cpuacct"));
        Assert.Equal("/sys/fs/cgroup/systemd", layout.Find("name=systemd")!.MountPoint);
    }

    [Fact]
    public void Device_program_grows_with_its_rules_and_is_limited()
    {
        DeviceRule rule = DeviceRule.Parse(true, "c", 1, 3, "rwm");
        Assert.Equal(DeviceProgram.Compile([]).Length + 7, DeviceProgram.Compile([rule]).Length);
        Assert.Throws<CgroupException>(() => DeviceProgram.Compile([.. Enumerable.Repeat(rule, DeviceProgram.MaxRules + 1)]));
        Assert.Equal("c 1:* rm", DeviceRule.Parse(true, "c", 1, -1, "mr").ToV1());
        Assert.Equal("c 1:11 rw", DeviceRule.Parse(false, "c", 1, 11, "rwa").ToV1());
        Assert.Throws<CgroupException>(() => DeviceRule.Parse(true, "c", 1, 1, "a"));
        Assert.Throws<CgroupException>(() => DeviceRule.Parse(true, "x", 1, 1, "r"));
        Assert.Throws<CgroupException>(() => DeviceRule.Parse(true, "c", 1, 1, "q"));
    }

    [Fact]
    public void Block_statistics_of_both_versions_are_read()
    {
        List<BlockIoEntry> v1 = Cgroup.ParseBlockLines("8:0 Read 4096\n8:0 Write 0\nTotal 4096\n");
        Assert.Equal(new BlockIoEntry(8, 0, "Read", 4096), v1[0]);
        Assert.Equal(2, v1.Count);
        CgroupBlockStats v2 = Cgroup.ParseIoStat("254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n");
        Assert.Equal(new BlockIoEntry(254, 0, "Write", 20), v2.ServiceBytes[1]);
        Assert.Equal(new BlockIoEntry(254, 0, "Read", 1), v2.Serviced[0]);
    }

    [Theory]
    [InlineData("hugepages-2048kB", "2MB")]
    [InlineData("hugepages-1048576kB", "1GB")]
    [InlineData("hugepages-64kB", "64KB")]
    public void Page_sizes_have_the_kernels_names(string directory, string name) => Assert.Equal(name, Cgroup.PageSizeName(directory));

    public static TheoryData<string, CgroupLimits> LegacyOnly => new()
    {
        { "memory.swappiness", new CgroupLimits { Memory = new CgroupMemoryLimits { Swappiness = 10 } } },
        { "memory.kernelTCP", new CgroupLimits { Memory = new CgroupMemoryLimits { KernelTcp = 4096 } } },
        { "memory.disableOOMKiller", new CgroupLimits { Memory = new CgroupMemoryLimits { DisableOomKiller = true } } },
        { "memory.useHierarchy (false)", new CgroupLimits { Memory = new CgroupMemoryLimits { UseHierarchy = false } } },
        { "cpu.realtimeRuntime", new CgroupLimits { Cpu = new CgroupCpuLimits { RealtimeRuntime = 1 } } },
        { "cpu.realtimePeriod", new CgroupLimits { Cpu = new CgroupCpuLimits { RealtimePeriod = 1 } } },
        { "blockIO.leafWeight", new CgroupLimits { Block = new CgroupBlockLimits { LeafWeight = 10 } } },
    };

    // No directory is touched: what v2 has not is said before.
    [Theory, MemberData(nameof(LegacyOnly), DisableDiscoveryEnumeration = true)]
    public void What_v2_has_not_is_refused_by_its_field(string field, CgroupLimits limits)
    {
        CgroupException refused = Assert.Throws<CgroupException>(() => UnifiedLimits.Apply("/nowhere", limits));

        Assert.StartsWith($"resources.{field} needs cgroup v1", refused.Message);
    }

    [Fact]
    public void What_v2_does_anyway_is_accepted() => UnifiedLimits.Apply(
        "/nowhere",
        new CgroupLimits { Memory = new CgroupMemoryLimits { DisableOomKiller = false, UseHierarchy = true, KernelTcp = 0 }, Cpu = new CgroupCpuLimits { RealtimeRuntime = 0, RealtimePeriod = 0 } });
}
