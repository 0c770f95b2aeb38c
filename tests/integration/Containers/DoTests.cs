using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Commands on the host's own root file system, sandboxed.</summary>
public sealed class DoTests : ContainerTest
{
    [Theory, Isolations]
    public void Command_runs_on_the_kernel_of_its_isolation(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string host = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();

        string release = place.Run("do", "--", "uname", "-r").Expect().Trim();

        Assert.NotEqual("", release);
        Assert.Equal(isolation == Isolation.Namespaces, release == host);
    }

    [RootFact]
    public void Exit_codes_are_those_of_a_shell()
    {
        Workplace place = Place(Isolation.Namespaces);

        Assert.Equal(7, place.Run("do", "--", "sh", "-c", "exit 7").ExitCode);
        Assert.Equal(127, place.Run("do", "--", "nosuchprogram").ExitCode);
        Assert.Equal(127, place.Run("do", "--", "/nowhere/program").ExitCode);
        Assert.Equal(126, place.Run("do", "--", "/etc/passwd").ExitCode);
        Assert.Equal(143, place.Run("do", "--", "sh", "-c", "sh -c 'kill -TERM $$'; exit $?").ExitCode);
    }

    [RootFact]
    public void What_is_written_is_thrown_away()
    {
        Workplace place = Place(Isolation.Namespaces);
        string file = $"/var/tmp/{place.Name}";

        string output = place.Run("do", "--all-files", "--", "sh", "-c", $"echo written >{file}; cat {file}").Expect();

        Assert.Equal("written\n", output);
        Assert.False(File.Exists(file));
    }

    [RootFact]
    public void Nothing_can_be_written_where_that_is_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);

        CommandResult result = place.Run("do", "--ro", "--all-files", "--", "sh", "-c", "echo x >/var/file");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Read-only file system", result.Error);
    }

    [RootFact]
    public void Files_that_only_root_reads_are_hidden_unless_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);

        Assert.NotEqual(0, place.Run("do", "--", "cat", "/etc/shadow").ExitCode);
        Assert.Equal(File.ReadAllText("/etc/shadow"), place.Run("do", "--all-files", "--", "cat", "/etc/shadow").Expect());
    }

    [RootFact]
    public void Command_has_no_network_and_sees_no_other_processes()
    {
        Workplace place = Place(Isolation.Namespaces);

        Assert.Equal("lo\n", place.Run("do", "--", "ls", "/sys/class/net").Expect());
        Assert.Equal("1\n", place.Run("do", "--", "sh", "-c", "ls -d /proc/[0-9]* | sed s,/proc/,, | head -n 1").Expect());
        Assert.Equal("", place.Run("do", "--", "ls", "-A", "/run").Expect());
    }

    [RootFact]
    public void Command_runs_as_another_user_where_that_is_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);

        Assert.Equal("1000\n1000\n", place.Run("do", "--user", "1000:1000", "--", "sh", "-c", "id -u; id -g").Expect());
    }

    [RootFact]
    public void Input_and_working_directory_are_the_callers()
    {
        Workplace place = Place(Isolation.Namespaces);
        RunningCommand run = place.StartWith(start => start.WorkingDirectory = "/usr/share", "do", "--", "sh", "-c", "pwd; cat");

        run.Input.Write("hello\n"u8);

        Assert.Equal("/usr/share\nhello\n", run.CloseInput().Wait().Expect());
    }
}
