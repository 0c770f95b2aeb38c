using Caisson.Linux;
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
    public void What_is_another_containers_is_named_by_the_container()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts = [new OciMount { Destination = "/dev/shm", Type = "tmpfs", Source = "shm", Options = ["ro", "size=1"] }],
            Linux = new OciLinux
            {
                Namespaces =
                [
                    new LinuxNamespace { Type = "ipc" },
                    new LinuxNamespace { Type = "uts" },
                    new LinuxNamespace { Type = "network", Path = "/proc/1/ns/net" },
                ],
            },
        };
        var sharing = new GuestSharing { IsFurther = true, Memory = new SandboxMemory("a", 1), Namespaces = new Dictionary<string, string> { ["ipc"] = "first" } };

        OciSpec guest = GuestSpec.From(spec, "c1", sharing);

        Assert.Equal(["ipc=container:first", "uts=", "cgroup="], guest.Linux!.Namespaces.Select(static ns => $"{ns.Type}={ns.Path}"));
        OciMount memory = Assert.Single(guest.Mounts);
        Assert.Equal(("bind", "/run/kata-containers/sandbox/shm-a", true), (memory.Type, memory.Source, memory.Options.Contains("ro")));
    }

    [Theory]
    [InlineData(false, null, 0)]
    [InlineData(true, null, 1)]
    [InlineData(true, "/proc/1/ns/net", 0)]
    public void Network_is_the_machines_but_for_a_further_container_that_wants_its_own(bool isFurther, string? path, int own)
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with { Linux = new OciLinux { Namespaces = [new LinuxNamespace { Type = "network", Path = path }] } };

        OciSpec guest = GuestSpec.From(spec, "c1", new GuestSharing { IsFurther = isFurther });

        Assert.Equal(own, guest.Linux!.Namespaces.Count(static ns => ns.Type == "network"));
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
    public void Host_kernels_own_trees_become_the_guest_kernels()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts =
            [
                new OciMount { Destination = "/proc", Type = "bind", Source = "/proc", Options = ["rbind", "nosuid"] },
                new OciMount { Destination = "/sys", Type = "none", Source = "/sys", Options = ["rbind", "ro", "rslave"] },
                new OciMount { Destination = "/mnt/proc", Type = "bind", Source = "/proc", Options = ["rbind"] },
            ],
        };

        OciSpec guest = GuestSpec.From(spec, "c1");

        Assert.Equal(["proc", "sysfs", "bind"], guest.Mounts.Select(static mount => mount.Type));
        Assert.Equal(["nosuid"], guest.Mounts[0].Options);
        Assert.Equal(["ro"], guest.Mounts[1].Options);
        Assert.Equal([false, false, true], spec.Mounts.Select(GuestSpec.IsShared));
    }

    [Fact]
    public void Shared_memory_is_the_guests_own_in_the_size_of_the_hosts()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts = [new OciMount { Destination = "/dev/shm", Type = "bind", Source = "/dev/shm", Options = ["rbind"] }],
        };

        OciMount own = SharedMemory.OwnIn(spec, "/").Mounts[0];

        Assert.Equal("tmpfs", own.Type);
        Assert.Contains($"size={FileSystemStatus.Of("/dev/shm").SizeBytes}", own.Options);
    }

    [Fact]
    public void A_user_namespace_gets_the_guests_sysfs_because_the_network_is_not_its_own()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        spec = spec with { Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces, new LinuxNamespace { Type = "user" }] } };

        OciMount sys = Assert.Single(GuestSpec.From(spec, "c1").Mounts, static mount => mount.Destination == "/sys");

        Assert.Equal(("bind", "/sys"), (sys.Type, sys.Source));
        Assert.Contains("rro", sys.Options);
    }

    [Fact]
    public void A_keeper_maps_the_ids_of_mounts_by_the_containers_mappings()
    {
        OciSpec spec = DefaultSpec.Create(rootless: false) with { Mounts = [new OciMount { Destination = "/d", Type = "bind", Source = "/s", Options = ["rbind", "idmap"] }] };
        LinuxIdMapping map = new() { ContainerId = 0, HostId = 1000, Size = 1 };

        OciSpec keeper = KeeperSpec.From(spec with { Linux = spec.Linux! with { UidMappings = [map], GidMappings = [map] } });

        Assert.Equal([map], keeper.Mounts[0].UidMappings);
        Assert.Empty(keeper.Linux!.UidMappings);
    }

    [Fact]
    public void Policies_of_the_hosts_kernel_are_warned_of()
    {
        var warnings = new List<string>();

        HostPolicies.Warn(new OciProcess { ApparmorProfile = "docker-default", SelinuxLabel = "a:b:c" }, new OciLinux { MountLabel = "d:e:f" }, warnings.Add);
        HostPolicies.Warn(new OciProcess { ApparmorProfile = "unconfined" }, null, warnings.Add);

        Assert.Equal(["process.apparmorProfile", "process.selinuxLabel", "linux.mountLabel"], warnings.Select(static text => text.Split(':')[0]));
    }

    [Fact]
    public void Ids_that_are_mapped_on_the_host_are_not_mapped_again()
    {
        LinuxIdMapping map = new() { ContainerId = 0, HostId = 1000, Size = 1 };
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts = [new OciMount { Destination = "/data", Type = "bind", Source = "/srv", Options = ["rbind", "ridmap", "ro"], UidMappings = [map], GidMappings = [map] }],
        };

        OciMount mount = GuestSpec.From(spec, "c1").Mounts[0];

        Assert.Equal(["rbind", "ro"], mount.Options);
        Assert.Empty(mount.UidMappings);
        Assert.Empty(mount.GidMappings);
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
    [InlineData(null, null, 1L, 1, 257, 1L + (544L << 20))]
    [InlineData(null, null, 64L << 20, 1, 320, 608L << 20)]
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
