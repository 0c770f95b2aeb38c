using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>From the specification's words to the kernel's.</summary>
public sealed class ConversionTests
{
    [Fact]
    public void Mount_options_are_sorted_into_flags_propagation_attributes_and_data()
    {
        MountOptions options = MountOptions.Parse(["rbind", "ro", "nosuid", "suid", "rslave", "rro", "rnoatime", "mode=755", "tmpcopyup", "size=1k", "defaults"]);

        Assert.Equal(MountFlags.MS_BIND | MountFlags.MS_REC | MountFlags.MS_RDONLY, options.Flags);
        Assert.Equal(MountFlags.MS_NOSUID, options.Cleared);
        Assert.Equal([MountFlags.MS_SLAVE | MountFlags.MS_REC], options.Propagation);
        Assert.Equal(MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOATIME, options.RecursiveSet);
        Assert.Equal(MountAttributes.MOUNT_ATTR__ATIME, options.RecursiveClear);
        Assert.Equal("mode=755,size=1k", options.Data);
        Assert.True(options.CopiesUp);
    }

    [Fact]
    public void Device_rules_of_a_new_container_end_with_the_defaults()
    {
        CgroupLimits limits = CgroupConversion.ForCreate(new LinuxResources { Devices = [new LinuxDeviceCgroup { Allow = false, Access = "rwm" }] });

        Assert.Equal(new DeviceRule(false, 'a', null, null, DeviceAccess.All), limits.Devices![0]);
        Assert.Contains(new DeviceRule(true, 'c', 1, 3, DeviceAccess.All), limits.Devices);
        Assert.DoesNotContain(limits.Devices, rule => rule is { Allow: true, Kind: 'b', Access: DeviceAccess.All });
    }

    [Fact]
    public void Update_without_device_rules_leaves_them()
    {
        Assert.Null(CgroupConversion.Limits(new LinuxResources { Pids = new LinuxPids { Limit = 5 } }).Devices);
    }

    [Theory]
    [InlineData(null, "/caisson-box")]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/../../x/./y", "/x/y")]
    [InlineData("relative/box", "relative/box")]
    [InlineData("system.slice:docker:abc", "/system.slice/docker-abc.scope")]
    [InlineData("user-1000.slice:p:n", "/user.slice/user-1000.slice/p-n.scope")]
    public void Cgroups_path_is_read_in_its_three_forms(string? written, string path)
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        var request = new ContainerRequest { Id = "box", Bundle = "/b", Spec = spec with { Linux = spec.Linux! with { CgroupsPath = written } } };

        Assert.Equal(path, CgroupPath.Of(request));
    }

    [Theory]
    [InlineData(":p:n", "/system.slice/p-n.scope")]
    [InlineData("-.slice:p:n", "/p-n.scope")]
    [InlineData("a-b-c.slice::n", "/a.slice/a-b.slice/a-b-c.slice/n.scope")]
    [InlineData("a.slice:p:a-x.slice", "/a.slice/a-x.slice")]
    [InlineData("a.slice:p:b.slice", "/b.slice")]
    [InlineData("::n", "/system.slice/n.scope")]
    [InlineData("-a.slice:p:n", null)]
    [InlineData("a-.slice:p:n", null)]
    [InlineData("a--b.slice:p:n", null)]
    [InlineData("a.slice:p", null)]
    [InlineData("nonsense:p:n", null)]
    [InlineData("../a.slice:p:n", null)]
    [InlineData("a.slice:p:../../n", null)]
    public void Place_of_a_systemd_unit_is_systemds(string written, string? expected)
    {
        Assert.Equal(expected is not null, SystemdUnit.TryParse(written, out SystemdUnit unit, out string? problem));
        Assert.Equal(expected, problem is null ? unit.Path : null);
        Assert.Equal(expected is null, problem is not null);
    }

    [Fact]
    public void Capability_that_the_host_lacks_is_left_out_with_a_warning()
    {
        var warnings = new List<string>();
        CapabilitySet own = CapabilitySet.Of(Capability.CAP_KILL, Capability.CAP_CHOWN);
        var wanted = new OciCapabilities { Bounding = ["CAP_KILL", "CAP_SYS_TIME"], Permitted = ["CAP_KILL", "CAP_NEVER_HEARD"], Effective = ["CAP_KILL"], Ambient = ["CAP_KILL"] };

        CapabilitySets sets = CapabilityPlan.Of(wanted, new CapabilitySets(own, own, own, default, default), warnings.Add);

        Assert.Equal(CapabilitySet.Of(Capability.CAP_KILL), sets.Bounding);
        Assert.Equal(CapabilitySet.Of(Capability.CAP_KILL), sets.Permitted);
        Assert.Equal(default, sets.Ambient);
        Assert.Equal(["ignoring unknown or unavailable capabilities: [CAP_NEVER_HEARD]", "capabilities that cannot be granted here: CAP_SYS_TIME"], warnings);
    }

    [Fact]
    public void What_is_not_supported_is_refused_by_name()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        var request = new ContainerRequest
        {
            Id = "box",
            Bundle = "/",
            Spec = spec with { Process = spec.Process! with { Terminal = false }, Root = new OciRoot { Path = "/tmp" }, Linux = spec.Linux! with { IntelRdt = new LinuxIntelRdt() } },
        };

        ContainerException refused = Assert.Throws<ContainerException>(() => RequestCheck.Check(request));
        Assert.Contains("linux.intelRdt is not supported", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("net.ipv4.ip_forward", "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward")]
    [InlineData("net/ipv4/ip_forward", "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward")]
    [InlineData("net/ipv4/conf/eth0.1/forwarding", "net.ipv4.conf.eth0/1.forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding")]
    [InlineData("net.ipv4.conf.eth0/1.forwarding", "net.ipv4.conf.eth0/1.forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding")]
    public void Sysctl_is_written_with_dots_or_with_slashes(string written, string dotted, string path) =>
        Assert.Equal((dotted, path), (SysctlName.Dotted(written), SysctlName.Path(written)));

    [Theory]
    [InlineData("size=1m", "tmpfs", "a:b:c:s0:c1,c2", "size=1m,context=\"a:b:c:s0:c1,c2\"")]
    [InlineData("", "devpts", "a:b:c:s0", "context=\"a:b:c:s0\"")]
    [InlineData("context=mine", "tmpfs", "a:b:c:s0", "context=mine")]
    [InlineData("", "proc", "a:b:c:s0", "")]
    [InlineData("mode=755", "tmpfs", null, "mode=755")]
    public void Mount_label_is_a_context_of_file_systems_that_take_one(string data, string type, string? label, string expected) =>
        Assert.Equal(expected, MountLabel.AddTo(data, type, label));

    [Fact]
    public void Swappiness_of_minus_one_is_left_alone() =>
        Assert.Null(CgroupConversion.Limits(new LinuxResources { Memory = new LinuxMemory { Swappiness = ulong.MaxValue } }).Memory!.Swappiness);

    [Fact]
    public void Zero_is_a_limit_that_nobody_asked_for()
    {
        // What Docker's daemon sends for `docker update --cpus`, beside what is meant.
        CgroupLimits limits = CgroupConversion.Limits(new LinuxResources
        {
            Memory = new LinuxMemory { Limit = 0, Reservation = 0, Swap = 0, Kernel = 0 },
            Cpu = new LinuxCpu { Shares = 0, Quota = 50_000, Period = 0, RealtimeRuntime = 0, RealtimePeriod = 0 },
            BlockIO = new LinuxBlockIO { Weight = 0 },
        });

        Assert.Equal(new CgroupMemoryLimits(), limits.Memory);
        Assert.Equal(new CgroupCpuLimits { Quota = 50_000 }, limits.Cpu);
        Assert.Null(limits.Block!.Weight);
    }
}
