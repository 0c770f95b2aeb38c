using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Further processes in a running container.</summary>
public sealed class ExecTests(SharedContainers containers) : IClassFixture<SharedContainers>
{
    [Theory, Isolations]
    public void Output_errors_and_exit_code_are_the_commands(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        Assert.Equal(new CommandResult(7, "out\n", "err\n"), place.Run("exec", place.Id, "sh", "-c", "echo out; echo err >&2; exit 7"));
        Assert.Equal(new CommandResult(0, "", ""), place.Run("exec", place.Id, "true"));
        Assert.Equal(new CommandResult(1, "", ""), place.Run("exec", place.Id, "false"));
        Assert.Equal(new CommandResult(143, "", ""), place.Run("exec", place.Id, "sh", "-c", "kill -TERM $$"));
    }

    [Theory, Isolations]
    public void Program_that_cannot_run_is_255_in_runcs_words(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        File.WriteAllText(place.Bundle.InRoot("etc/plain"), "");

        CommandResult missing = place.Run("exec", place.Id, "nosuchprogram");
        CommandResult absent = place.Run("exec", place.Id, "/bin/nosuchprogram");
        CommandResult plain = place.Run("exec", place.Id, "/etc/plain");

        Assert.Equal((255, 255, 255), (missing.ExitCode, absent.ExitCode, plain.ExitCode));
        Assert.Contains("executable file not found in $PATH", missing.Error);
        Assert.Contains("no such file or directory", absent.Error);
        Assert.Contains("permission denied", plain.Error);
    }

    [Theory, Isolations]
    public void Flags_change_the_containers_own_process(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        string output = place.Run("exec", "--cwd", "/etc", "--env", "COLOUR=blue", "--user", "1000:1000", "--additional-gids", "100", place.Id,
            "sh", "-c", "pwd; echo $COLOUR; id -u; id -G").Expect();

        Assert.Equal("/etc\nblue\n1000\n1000 100\n", output);
    }

    [Theory, Isolations]
    public void Process_comes_from_a_file_where_one_is_given(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        JsonObject process = place.Bundle.Process.DeepClone().AsObject();
        process["args"] = new JsonArray("sh", "-c", "echo from a file; pwd");
        process["cwd"] = "/bin";
        string file = Path.Combine(place.Path, "process.json");
        File.WriteAllText(file, process.ToJsonString());

        Assert.Equal("from a file\n/bin\n", place.Run("exec", "--process", file, place.Id).Expect());
    }

    [Fact]
    public void What_a_machine_cannot_take_from_the_command_line_is_refused()
    {
        Workplace place = containers.In(Isolation.Vm);

        // A descriptor that is not there is refused before.
        using RunningCommand withDescriptor = RunningCommand.Start(
            "/bin/sh", ["-c", "exec \"$0\" \"$@\" 3</dev/null", Executable.Path, .. place.Globals, "exec", "--preserve-fds", "1", place.Id, "true"]);
        CommandResult descriptors = withDescriptor.CloseInput().Wait();
        CommandResult cgroup = place.Run("exec", "--cgroup", "below", place.Id, "true");

        Assert.Equal((255, 255), (descriptors.ExitCode, cgroup.ExitCode));
        Assert.Contains("--preserve-fds", descriptors.Error);
        Assert.Contains("--cgroup below", cgroup.Error);
    }

    [Theory, Isolations]
    public void Process_may_come_through_a_pipe(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        RunningCommand exec = place.Start("exec", "--process", "/dev/stdin", place.Id);

        exec.Input.Write("""{"args":["echo","through a pipe"],"cwd":"/","env":["PATH=/bin"]}"""u8);

        Assert.Equal("through a pipe\n", exec.CloseInput().Wait().Expect());
    }

    [Theory, Isolations]
    public void Exec_that_ignores_a_pause_runs_once_the_container_goes_on(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        place.Run("pause", place.Id).Expect();
        RunningCommand refused = place.Start("exec", place.Id, "echo", "ok").CloseInput();
        Assert.Equal(255, refused.WaitForExit());
        RunningCommand patient = place.Start("exec", "--ignore-paused", place.Id, "echo", "ok").CloseInput();
        Assert.Equal("paused", place.Status());

        place.Run("resume", place.Id).Expect();

        Assert.Equal("ok\n", patient.Wait().Expect());
    }

    [Theory, Isolations]
    public void Input_arrives_whole_and_ends(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        byte[] bytes = new byte[isolation == Isolation.Vm ? 1 << 20 : 16 << 20];
        new Random(2).NextBytes(bytes);
        RunningCommand exec = place.Start("exec", place.Id, "cat");

        exec.Input.Write(bytes);

        Assert.Equal(0, exec.CloseInput().Wait().ExitCode);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), exec.Output.Sha256);
    }

    [Theory, Isolations]
    public void Many_at_once_do_not_disturb_each_other(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        int count = isolation == Isolation.Vm && !Host.Soaks ? 5 : 20;

        List<RunningCommand> all = [.. Enumerable.Range(0, count).Select(i => place.Start("exec", place.Id, "sh", "-c", $"echo number {i}; exit {i}").CloseInput())];

        Assert.All(all.Index(), exec => Assert.Equal(new CommandResult(exec.Index, $"number {exec.Index}\n", ""), exec.Item.Wait()));
    }

    [Theory, Isolations]
    public void Signals_sent_to_the_command_reach_the_process(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        RunningCommand exec = place.Start("exec", place.Id, "sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done");
        exec.WaitForOutput("ready");

        exec.Send(Signal.SIGTERM);

        Assert.Equal(4, exec.CloseInput().Wait().ExitCode);
    }

    [Theory, Isolations]
    public void Detached_process_is_known_by_its_pid(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        string pidFile = Path.Combine(place.Path, "exec-pid");
        RunningCommand exec = place.Start("exec", "--detach", "--pid-file", pidFile, place.Id, "sh", "-c", "read line; echo $line; exit 6");
        Assert.Equal(0, exec.WaitForExit());

        exec.Input.Write("hello\n"u8);
        exec.Input.Flush();

        Assert.Equal(6, Orphans.WaitForExit(int.Parse(File.ReadAllText(pidFile))).Code);
        Assert.Equal("hello\n", exec.CloseInput().Wait().Output);
    }

    [Theory, Isolations]
    public void Process_whose_pid_nobody_could_be_told_does_not_run_on(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        CommandResult result = place.Run("exec", "--detach", "--pid-file", "/nowhere/pid", place.Id, "sleep", "4711");

        Assert.Equal(255, result.ExitCode);
        Assert.Contains("--pid-file /nowhere/pid: no such file or directory", result.Error);
        Deadline.Wait("the process's end", () => !place.Run("ps", place.Id).Expect().Contains("sleep 4711"));
    }

    [Theory, Isolations]
    public void Process_without_arguments_is_refused(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        CommandResult result = place.Run("exec", place.Id);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("process args cannot be empty", result.Error);
    }

    [Theory, Isolations]
    public void Capability_can_be_added(Isolation isolation)
    {
        const ulong SysAdmin = 1ul << 21; // CAP_SYS_ADMIN of linux/capability.h
        Workplace place = containers.In(isolation);

        string before = place.Run("exec", place.Id, "sed", "-n", "s/^CapEff:\t//p", "/proc/self/status").Expect();
        string after = place.Run("exec", "--cap", "CAP_SYS_ADMIN", place.Id, "sed", "-n", "s/^CapEff:\t//p", "/proc/self/status").Expect();

        Assert.Equal(0ul, Convert.ToUInt64(before.Trim(), 16) & SysAdmin);
        Assert.Equal(SysAdmin, Convert.ToUInt64(after.Trim(), 16) & SysAdmin);
    }

    [Theory, Isolations]
    public void Process_of_an_unknown_container_is_refused(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        CommandResult result = place.Run("exec", place.Id + "-unknown", "true");

        Assert.Equal(255, result.ExitCode);
        Assert.Contains("container does not exist", result.Error);
    }
}
