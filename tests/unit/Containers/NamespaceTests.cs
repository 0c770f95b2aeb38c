using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>Combinations of new, joined and missing namespaces.</summary>
public sealed class NamespaceTests
{
    [Fact]
    public void Time_namespace_has_its_offset()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with
        {
            Namespaces = [.. linux.Namespaces, new LinuxNamespace { Type = "time" }],
            TimeOffsets = new SpecMap<LinuxTimeOffset>([new("boottime", new LinuxTimeOffset { Secs = 1_000_000 })]),
        });

        Outcome outcome = bundle.Script("read up rest < /proc/uptime; echo ${up%.*}").Run();

        Assert.True(long.TryParse(outcome.Output, out long seconds) && seconds >= 1_000_000, outcome.Output);
    }

    [Fact]
    public void Joined_network_stays_reachable_from_a_new_user_namespace()
    {
        using var bundle = new TestBundle();
        bundle.GiveRootTo(100000);
        bundle.Spec = bundle.Spec with { Mounts = [bundle.Spec.Mounts[0], bundle.Spec.Mounts[1]] };
        bundle.Linux(linux => linux with
        {
            Namespaces = [.. Without(linux, "network"), new LinuxNamespace { Type = "network", Path = "/proc/self/ns/net" }, new LinuxNamespace { Type = "user" }],
            UidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 1 }],
            GidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 1 }],
            MaskedPaths = [],
            ReadonlyPaths = [],
        });

        Outcome outcome = bundle.Script("id -u; readlink /proc/self/ns/net").Run();

        Assert.Equal($"0\n{FileCalls.ReadLink("/proc/self/ns/net")}\n", outcome.Output);
    }

    [Fact]
    public void Joined_pid_namespace_makes_the_workload_an_ordinary_process_there()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Namespaces = [.. Without(linux, "pid"), new LinuxNamespace { Type = "pid", Path = "/proc/self/ns/pid" }] });

        Outcome outcome = bundle.Script("readlink /proc/self/ns/pid; exit 4").Run();

        Assert.Equal(new Outcome(4, FileCalls.ReadLink("/proc/self/ns/pid") + "\n"), outcome);
    }

    [Fact]
    public void Cgroup_namespace_has_its_root_at_the_container()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Namespaces = [.. linux.Namespaces, new LinuxNamespace { Type = "cgroup" }] });

        Outcome outcome = bundle.Script("cat /proc/self/cgroup; cat /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null | grep -cx 1").Run();

        string[] lines = outcome.Output.TrimEnd().Split('\n');
        Assert.All(lines[..^1], line => Assert.EndsWith(":/", line, StringComparison.Ordinal));
        Assert.NotEqual("0", lines[^1]);
    }

    [Fact]
    public void Namespace_path_that_is_missing_is_named()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Namespaces = [.. Without(linux, "ipc"), new LinuxNamespace { Type = "ipc", Path = "/no/ipc" }] });

        Assert.Contains("namespace path: stat /no/ipc: no such file or directory", bundle.Arguments("true").Run().Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shared", "shared:")]
    [InlineData("rshared", "shared:")]
    [InlineData("private", " - ")]
    [InlineData("unbindable", "unbindable")]
    public void Root_has_the_propagation_that_is_asked_for(string propagation, string field)
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { RootfsPropagation = propagation });

        Outcome outcome = bundle.Script("grep ' / / \\| / ro\\|rootfs / ' /proc/self/mountinfo | head -1").Run();

        Assert.Contains(field, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_pivot_no_bare_proc_is_left()
    {
        using var bundle = new TestBundle();
        bundle.Spec = bundle.Spec with { Mounts = [] };
        bundle.Linux(linux => linux with { MaskedPaths = [], ReadonlyPaths = [] });
        Directory.CreateDirectory(bundle.InRoot("proc"));
        Directory.CreateDirectory(bundle.InRoot("sys"));

        Outcome outcome = bundle.Script("mount -t proc proc /proc; ls /proc; echo end").RunWithoutPivot();

        Assert.EndsWith("end\n", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("self", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Frozen_cgroup_of_somebody_else_is_refused_and_left_alone()
    {
        using var bundle = new TestBundle();
        Cgroup existing = Cgroup.Create(CgroupLayout.Discover(), "/caisson-" + bundle.Id);
        try
        {
            existing.Freeze();

            Assert.Contains("container's cgroup unexpectedly frozen", bundle.Arguments("true").Run().Output, StringComparison.Ordinal);
            Assert.True(existing.Exists);
        }
        finally
        {
            existing.Thaw();
            existing.Remove();
        }
    }

    private static SpecList<LinuxNamespace> Without(OciLinux linux, string type) => linux.Namespaces.Where(one => one.Type != type);
}
