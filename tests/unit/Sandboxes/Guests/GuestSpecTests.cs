using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class GuestSpecTests
{
    [Fact]
    public void The_root_is_where_the_guest_sees_it()
    {
        OciSpec guest = GuestSpec.From(DefaultSpec.Create(rootless: false), "c1");

        Assert.Equal("/run/kata-containers/shared/containers/c1/rootfs", guest.Root!.Path);
    }

    [Fact]
    public void Bind_mounts_come_from_the_share_and_others_stay()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts =
            [
                new OciMount { Destination = "/proc", Type = "proc", Source = "proc" },
                new OciMount { Destination = "/etc/hosts", Type = "bind", Source = "/var/hosts", Options = ["rbind", "ro"] },
            ],
        };

        OciSpec guest = GuestSpec.From(spec, "c1");

        Assert.Equal("proc", guest.Mounts[0].Source);
        Assert.Equal("/run/kata-containers/shared/containers/c1-00000001-hosts", guest.Mounts[1].Source);
    }

    [Fact]
    public void Shared_memory_is_the_guests_own()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts = [new OciMount { Destination = "/dev/shm", Type = "bind", Source = "/var/shm", Options = ["rbind"] }],
        };

        Assert.Equal("tmpfs", GuestSpec.From(spec, "c1").Mounts[0].Type);
    }

    [Fact]
    public void Hooks_of_the_host_stay_on_the_host()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Hooks = new OciHooks
            {
                Prestart = [new OciHook { Path = "/host/prestart" }],
                StartContainer = [new OciHook { Path = "/in/guest" }],
            },
        };

        OciHooks guest = GuestSpec.From(spec, "c1").Hooks!;

        Assert.Empty(guest.Prestart);
        Assert.Equal("/in/guest", guest.StartContainer[0].Path);
    }

    [Fact]
    public void A_container_in_a_guest_always_has_a_cgroup_namespace()
    {
        var without = new OciSpec { OciVersion = "1.2.0", Root = new OciRoot { Path = "/" }, Linux = new OciLinux { Namespaces = [new LinuxNamespace { Type = "pid" }] } };

        Assert.Single(GuestSpec.From(without, "c1").Linux!.Namespaces, static ns => ns.Type == "cgroup");
    }

    [Fact]
    public void Namespaces_of_the_host_are_never_joined_by_path_in_the_guest()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        spec = spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces =
                [
                    new LinuxNamespace { Type = "network", Path = "/var/run/netns/x" },
                    new LinuxNamespace { Type = "ipc", Path = "/proc/1/ns/ipc" },
                ],
            },
        };

        LinuxNamespace left = Assert.Single(GuestSpec.From(spec, "c1").Linux!.Namespaces, static ns => ns.Type != "cgroup");
        Assert.Equal(("ipc", null), (left.Type, left.Path));
    }

    [Fact]
    public void A_keeper_has_the_containers_root_and_no_privilege()
    {
        OciSpec keeper = KeeperSpec.From(DefaultSpec.Create(rootless: false));

        Assert.Empty(keeper.Process!.Capabilities!.Bounding);
        Assert.True(keeper.Process.NoNewPrivileges);
        Assert.Equal("rootfs", keeper.Root!.Path);
        Assert.Null(keeper.Linux!.Seccomp);
        Assert.Contains(keeper.Linux.Namespaces, static ns => ns.Type == "mount");
        Assert.DoesNotContain(keeper.Mounts, static mount => mount.Type == "cgroup");
    }

    [Theory]
    [InlineData(null, null, null, 1, 256, null)]
    [InlineData(50_000L, 100_000ul, null, 1, 256, null)]
    [InlineData(null, null, 1L, 1, 257, 1L + (448L << 20))]
    [InlineData(null, null, 64L << 20, 1, 320, 512L << 20)]
    [InlineData(null, null, long.MaxValue, 1, 256, null)]
    [InlineData(-1L, 100_000ul, -1L, 1, 256, null)]
    public void Sizes_follow_quota_and_limit(long? quota, ulong? period, long? limit, int cpus, int memory, long? hostLimit)
    {
        var resources = new LinuxResources { Cpu = new LinuxCpu { Quota = quota, Period = period }, Memory = new LinuxMemory { Limit = limit } };

        MachineSize size = MachineSize.For(resources);

        Assert.Equal((cpus, memory, hostLimit), (size.VirtualCpus, size.MemoryMib, size.HostMemoryLimitBytes));
    }

    [Fact]
    public void The_configured_size_is_the_least()
    {
        var resources = new LinuxResources { Cpu = new LinuxCpu { Quota = 100_000, Period = 100_000 } };

        MachineSize size = MachineSize.For(resources, defaultCpus: 2, defaultMemoryMib: 512);

        Assert.Equal((2, 512), (size.VirtualCpus, size.MemoryMib));
    }
}
