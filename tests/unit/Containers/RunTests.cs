using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>Real containers, from the configuration to the exit code.</summary>
public sealed class RunTests
{
    [Fact]
    public void Exit_code_of_the_workload_is_the_containers()
    {
        using var bundle = new TestBundle();

        Assert.Equal(new Outcome(7, "hello\n"), bundle.Script("echo hello; exit 7").Run());
    }

    [Fact]
    public void Workload_waits_for_start_on_the_fifo()
    {
        using var bundle = new TestBundle();

        Assert.Equal(new Outcome(3, "created\nstarted\n"), bundle.Script("echo started; exit 3").CreateAndStart());
        Assert.False(File.Exists(Path.Combine(bundle.Path, "exec.fifo")));
    }

    [Fact]
    public void Workload_is_pid_1_with_its_own_names_and_a_loopback_interface()
    {
        using var bundle = new TestBundle();
        bundle.Spec = bundle.Spec with { Hostname = "box" };

        Outcome outcome = bundle.Script("echo $$; hostname; cat /sys/class/net/lo/flags").Run();

        Assert.Equal("1\nbox\n0x9\n", outcome.Output);
    }

    [Fact]
    public void Process_gets_user_groups_umask_and_environment()
    {
        using var bundle = new TestBundle();
        bundle.Process(process => process with
        {
            User = new OciUser { Uid = 1000, Gid = 100, AdditionalGids = [5, 6], Umask = 63 },
            Env = [.. process.Env, "GREETING=hi"],
            Cwd = "/bin",
        });

        Outcome outcome = bundle.Script("id; umask; echo $GREETING $HOME $PWD").Run();

        Assert.Equal("uid=1000 gid=100 groups=5,6\n0077\nhi / /bin\n", outcome.Output);
    }

    [Fact]
    public void Capabilities_are_the_five_sets_of_the_configuration()
    {
        using var bundle = new TestBundle();
        bundle.Process(process => process with
        {
            User = new OciUser { Uid = 1000, Gid = 1000 },
            Capabilities = new OciCapabilities
            {
                Bounding = ["CAP_KILL", "CAP_CHOWN"],
                Permitted = ["CAP_KILL"],
                Effective = ["CAP_KILL"],
                Inheritable = ["CAP_KILL"],
                Ambient = ["CAP_KILL"],
            },
        });

        Outcome outcome = bundle.Script("grep -E 'Cap|NoNewPrivs' /proc/self/status").Run();

        Assert.Equal(
            "CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\nCapBnd:\t0000000000000021\nCapAmb:\t0000000000000020\nNoNewPrivs:\t1\n",
            outcome.Output);
    }

    [Theory]
    [InlineData("foo", "exec: \"foo\": executable file not found in $PATH")]
    [InlineData("/bin/foo", "exec: \"/bin/foo\": stat /bin/foo: no such file or directory")]
    [InlineData("/bin", "exec: \"/bin\": permission denied")]
    [InlineData("/noexec", "exec: \"/noexec\": permission denied")]
    [InlineData("/garbage", "exec /garbage: exec format error")]
    public void Workload_that_cannot_be_executed_is_told_in_runcs_words(string executable, string words)
    {
        using var bundle = new TestBundle();
        File.WriteAllText(bundle.InRoot("noexec"), "");
        File.WriteAllText(bundle.InRoot("garbage"), "?");
        File.SetUnixFileMode(bundle.InRoot("garbage"), (UnixFileMode)0b111_101_101);

        Outcome outcome = bundle.Arguments(executable).Run();

        Assert.Equal(1, outcome.Code);
        Assert.Contains(words, outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Seccomp_filter_refuses_what_it_lists(bool noNewPrivileges)
    {
        using var bundle = new TestBundle();
        bundle.Process(process => process with { NoNewPrivileges = noNewPrivileges });
        bundle.Linux(linux => linux with
        {
            Seccomp = new LinuxSeccomp
            {
                DefaultAction = "SCMP_ACT_ALLOW",
                Architectures = ["SCMP_ARCH_X86_64"],
                Syscalls = [new LinuxSyscall { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 38 }],
            },
        });

        Outcome outcome = bundle.Script("grep Seccomp: /proc/self/status; mkdir /dev/shm/x").Run();

        Assert.Equal("Seccomp:\t2\nmkdir: can't create directory '/dev/shm/x': Function not implemented\n", outcome.Output);
    }

    [Fact]
    public void User_namespace_maps_root_to_an_ordinary_user()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with
        {
            Namespaces = [.. linux.Namespaces, new LinuxNamespace { Type = "user" }],
            UidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 65536 }],
            GidMappings = [new LinuxIdMapping { ContainerId = 0, HostId = 100000, Size = 65536 }],
        });

        bundle.GiveRootTo(100000);

        Outcome outcome = bundle.Script("id -u; cat /proc/self/uid_map; echo x > /dev/null && echo writable").Run();

        Assert.Equal("0\n         0     100000      65536\nwritable\n", outcome.Output);
    }

    [Fact]
    public void Terminal_is_controlling_owned_by_the_user_and_also_the_console()
    {
        using var bundle = new TestBundle();
        bundle.Process(process => process with
        {
            Terminal = true,
            ConsoleSize = new OciConsoleSize { Height = 10, Width = 111 },
            User = new OciUser { Uid = 1000, Gid = 100 },
        });

        Outcome outcome = bundle.Script("tty; stty size; stat -c '%u %g' /dev/pts/0; stat -c %t:%T /dev/console; echo ok > /dev/tty").RunOnTerminal();

        Assert.Equal("/dev/pts/0\r\n10 111\r\n1000 5\r\n88:0\r\nok\r\n", outcome.Output);
    }

    [Fact]
    public void Exec_enters_every_namespace_and_the_cgroup()
    {
        using var bundle = new TestBundle();
        bundle.Arguments("sleep", "100");

        Outcome outcome = bundle.Exec("hostname; for p in self 1; do readlink /proc/$p/ns/pid; readlink /proc/$p/ns/mnt; done; cat /proc/self/cgroup; exit 9");

        string[] lines = outcome.Output.Split('\n');
        Assert.Equal(9, outcome.Code);
        Assert.Equal("runc", lines[0]);
        Assert.Equal(lines[3..5], lines[1..3]);
        Assert.All(lines[5..^1], line => Assert.EndsWith("/caisson-" + bundle.Id, line, StringComparison.Ordinal));
    }

    [Fact]
    public void Missing_rootfs_is_said_before_anything_is_made()
    {
        using var bundle = new TestBundle();
        bundle.Spec = bundle.Spec with { Root = new OciRoot { Path = "nowhere" } };

        Outcome outcome = bundle.Arguments("true").Run();

        Assert.Equal(new Outcome(1, $"invalid rootfs: stat {bundle.Path}/nowhere: no such file or directory\n"), outcome);
    }
}
