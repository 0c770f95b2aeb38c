using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>Hooks and mounts of real containers.</summary>
public sealed class HookAndMountTests
{
    [Fact]
    public void Hooks_run_in_their_order_each_in_its_place()
    {
        using var bundle = new TestBundle();
        string log = Path.Combine(bundle.Path, "log");
        bundle.Spec = bundle.Spec with
        {
            Hooks = new OciHooks
            {
                Prestart = [Shell($"cat >> {log}; echo >> {log}; echo prestart >> {log}")],
                CreateRuntime = [Shell($"echo createRuntime >> {log}")],
                CreateContainer = [Shell($"echo createContainer >> {log}")],
                StartContainer = [Shell("cat /proc/self/status | grep NSpid >&2; exit 5")],
            },
        };

        Outcome outcome = bundle.Arguments("true").Run();

        string[] lines = File.ReadAllLines(log);
        Assert.Contains($"\"id\":\"{bundle.Id}\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"status\":\"creating\"", lines[0], StringComparison.Ordinal);
        Assert.Equal(["prestart", "createRuntime", "createContainer"], lines[1..]);
        Assert.Contains("error running startContainer hook #0 /bin/sh: error running hook: exit status 5, stdout: , stderr: NSpid:", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Hook_that_runs_too_long_is_killed()
    {
        using var bundle = new TestBundle();
        bundle.Spec = bundle.Spec with { Hooks = new OciHooks { CreateRuntime = [Shell("sleep 100") with { Timeout = 1 }] } };

        Outcome outcome = bundle.Arguments("true").Run();

        Assert.Contains("hook ran past specified timeout of 1s", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Tmpfs_copies_up_what_it_covers_and_ends_read_only()
    {
        using var bundle = new TestBundle();
        Directory.CreateDirectory(bundle.InRoot("data/sub"));
        File.WriteAllText(bundle.InRoot("data/sub/file"), "content");
        File.CreateSymbolicLink(bundle.InRoot("data/link"), "/etc/shadow");

        Outcome outcome = bundle.Mount("/data", "tmpfs", "tmpfs", "tmpcopyup", "ro").Script("cat /data/sub/file; readlink /data/link; touch /data/x").Run();

        Assert.Equal("content/etc/shadow\ntouch: /data/x: Read-only file system\n", outcome.Output);
    }

    [Fact]
    public void Bind_mounts_take_files_directories_and_recursive_attributes()
    {
        using var bundle = new TestBundle();
        using var source = new TestBundle();
        File.WriteAllText(Path.Combine(source.Path, "file"), "from outside\n");
        bundle.Mount("/mnt/file", "bind", Path.Combine(source.Path, "file"), "bind", "ro");
        bundle.Mount("/mnt/all", "bind", source.Path, "rbind", "rro", "rnoexec");

        Outcome outcome = bundle.Writable().Script("cat /mnt/file; cat /mnt/all/file; echo x > /mnt/file; grep -c ' /mnt/all .*ro,noexec' /proc/mounts").Run();

        Assert.Equal("from outside\nfrom outside\nsh: can't create /mnt/file: Read-only file system\n1\n", outcome.Output);
    }

    [Fact]
    public void Cgroups_are_shown_read_only_where_the_configuration_mounts_them()
    {
        using var bundle = new TestBundle();

        Outcome outcome = bundle.Script("grep -c ' cgroup2\\? ro' /proc/mounts; cat /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null | grep -cx 1").Run();

        string[] counts = outcome.Output.Trim().Split('\n');
        Assert.Equal(counts[0], counts[1]);
        Assert.NotEqual("0", counts[0]);
    }

    [Fact]
    public void Extra_mount_that_fails_names_source_and_destination()
    {
        using var bundle = new TestBundle();

        Outcome outcome = bundle.Mount("/mnt", "bind", "/no/such/place", "rbind").Arguments("true").Run();

        Assert.Contains("error mounting \"/no/such/place\" to rootfs at \"/mnt\": stat /no/such/place: no such file or directory", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_a_bind_cannot_have_are_told()
    {
        using var bundle = new TestBundle();

        Outcome outcome = bundle.Mount("/mnt", "bind", "/tmp", "bind", "sync", "size=1m", "ro").Script("echo ran").Run();

        Assert.Contains("mount at /mnt: options of a whole file system mean nothing on a bind mount: MS_SYNCHRONOUS,size=1m", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("ran", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Node_that_is_bound_must_be_the_device_that_is_asked_for()
    {
        using var bundle = new TestBundle();
        bundle.Linux(static linux => linux with
        {
            Namespaces = [.. linux.Namespaces, new LinuxNamespace { Type = "user" }],
            UidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 65536 }],
            GidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 65536 }],
            Devices = [new LinuxDevice { Type = "c", Path = "/dev/zero", Major = 1, Minor = 3 }],
        });
        bundle.GiveRootTo(100000);

        Outcome outcome = bundle.Arguments("true").Run();

        Assert.Equal(1, outcome.Code);
        Assert.Contains("/dev/zero: nodes cannot be made here, and the host's at this path is not c 1:3", outcome.Output, StringComparison.Ordinal);
    }

    private static OciHook Shell(string script) => new() { Path = "/bin/sh", Args = ["sh", "-c", script] };
}
