using System.Text;
using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Tests;

namespace Caisson.UnitTests.Hypervisors;

/// <summary>A shell in the place of QEMU, inside the same jail, tells what it can reach.</summary>
public sealed class JailTests : IDisposable
{
    private const string Shell = "/usr/bin/busybox";

    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-jail-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_root_holds_the_listed_files_and_nothing_else()
    {
        string listed = Path.Combine(_directory, "kernel");
        File.WriteAllText(listed, "kernel");
        File.WriteAllText(Path.Combine(_directory, "secret"), "secret");

        string[] found = RunLines("find / -type f -o -type d -o -type c -o -type l", listed);

        string[] expected = ["/", .. Parents(listed), listed, "/dev", "/dev/null", "/usr", "/usr/bin", Shell];
        Assert.Equal(expected.Distinct().Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_in_the_root_can_be_written()
    {
        string listed = Path.Combine(_directory, "kernel");
        File.WriteAllText(listed, "kernel");

        string output = Run($"echo x > {listed}; echo x > /new; mkdir /dev/new; rm {Shell}; echo done", listed);

        Assert.Equal("kernel", File.ReadAllText(listed));
        Assert.Equal(4, output.Split('\n').Count(line => line.Contains("Read-only file system", StringComparison.Ordinal) || line.Contains("Permission denied", StringComparison.Ordinal)));
        Assert.EndsWith("done\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_program_is_nobody_and_may_become_nobody_else()
    {
        Dictionary<string, string> status = Status();

        Assert.Equal("123456\t123456\t123456\t123456", status["Uid"]);
        Assert.Equal("123457\t123457\t123457\t123457", status["Gid"]);
        Assert.Equal("", status["Groups"]);
        Assert.Equal("1", status["NoNewPrivs"]);
        foreach (string set in (string[])["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        {
            Assert.Equal("0000000000000000", status[set]);
        }
    }

    [Fact]
    public void Signals_are_as_a_program_expects_them()
    {
        Dictionary<string, string> status = Status();

        Assert.Equal("0000000000000000", status["SigIgn"]);
        Assert.Equal("0000000000000000", status["SigBlk"]);
    }

    [Fact]
    public void There_is_no_network_but_a_loopback_that_is_down() =>
        Assert.Equal(["lo:"], RunLines("ip -o link | cut -d' ' -f2; ip -o addr | cut -d' ' -f2-"));

    [Fact]
    public void It_is_the_first_process_of_its_own() => Assert.Equal(["1"], RunLines("echo $$"));

    [Fact]
    public void Only_the_listed_descriptors_are_open()
    {
        using FileFd extra = FileCalls.Open("/etc/passwd", OpenFlags.O_RDONLY);
        Descriptors.SetCloseOnExec(extra, false);
        using FileFd given = FileCalls.Open(Shell, OpenFlags.O_RDONLY);

        string[] open = RunLines(
            "for n in 0 1 2 3 4 5 6 7 8 9; do (true <&$n) 2>/dev/null && echo $n; done", given: new() { [7] = given });

        Assert.Equal(["0", "1", "2", "7"], open);
    }

    [Fact]
    public void The_host_keeps_its_mounts()
    {
        string before = string.Join('\n', MountInfo.Read().Select(mount => mount.MountPoint));

        Run("true");

        Assert.Equal(before, string.Join('\n', MountInfo.Read().Select(mount => mount.MountPoint)));
    }

    [Fact]
    public void A_device_belongs_to_the_jailed_user_and_the_hosts_node_stays()
    {
        FileStatus before = FileCalls.Stat("/dev/kmsg");

        string[] found = RunLines("stat -c '%u %a %t:%T' /dev/kmsg", devices: ["/dev/null", "/dev/kmsg"]);

        FileStatus after = FileCalls.Stat("/dev/kmsg");
        Assert.Equal(before, after);
        bool isPublic = (before.Mode & 0x1B6) == 0x1B6;
        Assert.Equal([isPublic ? "0 666 1:b" : "123456 600 1:b"], found);
    }

    [Fact]
    public void A_program_that_is_not_there_is_named()
    {
        using PipePair pipe = PipePair.Create();
        using ClonedProcess child = JailedProcess.Start(
            TestLauncher.Program, Instructions("", null, null) with { Executable = "/usr/bin/missing" },
            new Dictionary<int, FileDescriptor>(), pipe.Write, JailedProcess.AllNamespaces);
        pipe.Write.Dispose();

        Assert.Equal("launch: execute /usr/bin/missing: No such file or directory\n", Encoding.UTF8.GetString(pipe.Read.ReadToEnd(4096)));
        Assert.Equal(JailLauncher.FailureExitCode, child.PidFd.Wait().Code);
    }

    [Fact]
    public void A_listed_file_that_is_missing_is_named()
    {
        string output = Run("true", "/usr/share/no-such-firmware");

        Assert.Contains("launch: enter the jail's root: open_tree(/usr/share/no-such-firmware): ENOENT", output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Parents(string path)
    {
        for (string? parent = Path.GetDirectoryName(path); parent is not null && parent != "/"; parent = Path.GetDirectoryName(parent))
        {
            yield return parent;
        }
    }

    // /proc is not in the jail: the test reads it from outside, while the program waits for room in the pipe.
    private Dictionary<string, string> Status()
    {
        using PipePair pipe = PipePair.Create();
        using ClonedProcess child = JailedProcess.Start(
            TestLauncher.Program, Instructions("", null, null) with { Arguments = ["cat", Shell] },
            new Dictionary<int, FileDescriptor>(), pipe.Write, JailedProcess.AllNamespaces);
        pipe.Write.Dispose();
        Assert.Equal(1, pipe.Read.Read(new byte[1]));
        var status = new Dictionary<string, string>();
        foreach (string line in File.ReadLines($"/proc/{child.Pid}/status"))
        {
            string[] parts = line.Split(':', 2);
            status[parts[0]] = parts[1].Trim();
        }

        pipe.Read.Dispose();
        child.PidFd.Wait();
        return status;
    }

    private string[] RunLines(
        string script, string? file = null, Dictionary<int, FileDescriptor>? given = null, IReadOnlyList<string>? devices = null) =>
        Run(script, file, given, devices).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string Run(
        string script, string? file = null, Dictionary<int, FileDescriptor>? given = null, IReadOnlyList<string>? devices = null)
    {
        using PipePair pipe = PipePair.Create();
        using ClonedProcess child = JailedProcess.Start(
            TestLauncher.Program, Instructions(script, file, devices), given ?? [], pipe.Write, JailedProcess.AllNamespaces);
        pipe.Write.Dispose();
        string output = Encoding.UTF8.GetString(pipe.Read.ReadToEnd(65536));
        child.PidFd.Wait();
        return output;
    }

    private JailInstructions Instructions(string script, string? file, IReadOnlyList<string>? devices) => new()
    {
        Executable = Shell,
        Arguments = ["sh", "-c", script],
        RootMountPoint = _directory,
        Files = file is null ? [Shell] : [Shell, file],
        Devices = devices ?? ["/dev/null"],
        Identity = new JailIdentity(123_456, 123_457),
        OpenFiles = 64,
    };
}
