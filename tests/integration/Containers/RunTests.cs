using System.Security.Cryptography;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>A container in the foreground.</summary>
public sealed class RunTests : ContainerTest
{
    [Theory, Isolations]
    public void Output_errors_and_exit_code_are_the_commands(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo out; echo err >&2; exit 7");

        Assert.Equal(new CommandResult(7, "out\n", "err\n"), place.RunBundle());
    }

    [RootTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    public void Exit_code_passes_unchanged(int code)
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script($"exit {code}");

        Assert.Equal(new CommandResult(code, "", ""), place.RunBundle());
    }

    [Theory, Isolations]
    public void Death_by_a_signal_is_128_and_the_signal(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo ready; sleep 1000");
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("ready");

        place.Run("kill", place.Id, "KILL").Expect();

        Assert.Equal(137, run.CloseInput().Wait().ExitCode);
    }

    [Theory, Isolations]
    public void Signals_sent_to_the_command_reach_the_container(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("trap 'echo hung up' HUP; trap 'echo terminated; exit 3' TERM; echo ready; while :; do sleep 0.1; done");
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("ready");

        run.Send(Signal.SIGHUP);
        run.WaitForOutput("hung up");
        run.Send(Signal.SIGTERM);

        Assert.Equal(new CommandResult(3, "ready\nhung up\nterminated\n", ""), run.CloseInput().Wait());
    }

    [Theory, Isolations]
    public void Input_arrives_whole_and_ends(Isolation isolation) => PassThroughCat(isolation, isolation == Isolation.Vm ? 8 : 100);

    [SoakTheory, Isolations]
    public void A_lot_of_input_arrives_whole(Isolation isolation) => PassThroughCat(isolation, 100);

    [Theory, Isolations]
    public void Workload_that_is_missing_fails_in_the_words_that_engines_read(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("nosuchprogram");

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("exec: \\\"nosuchprogram\\\": executable file not found in $PATH", result.Error);
    }

    [RootFact]
    public void Workload_that_is_not_executable_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        File.WriteAllText(place.Bundle.InRoot("bin/script"), "#!/bin/sh\n");
        place.Bundle.Arguments("/bin/script");

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("permission denied", result.Error);
    }

    [RootFact]
    public void Workload_that_is_a_directory_is_refused_as_runc_does()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("/etc");

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("exec: \\\"/etc\\\": permission denied", result.Error);
    }

    [RootFact]
    public void Record_is_kept_where_that_is_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("true");

        place.RunBundle("--keep").Expect();

        Assert.Equal("stopped", place.Status());
        place.Run("delete", place.Id).Expect();
    }

    [RootFact]
    public void Descriptors_are_passed_only_where_that_is_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("ls /proc/self/fd | tr '\\n' ' '");
        string command = $"exec 3</dev/null 4</dev/null; exec {Executable.Path} {string.Join(' ', place.Globals)} run --bundle {place.Bundle.Path}";

        using RunningCommand none = RunningCommand.Start("/bin/sh", ["-c", $"{command} {place.Id}"]);
        using RunningCommand one = RunningCommand.Start("/bin/sh", ["-c", $"{command} --preserve-fds 1 {place.Id}2"]);

        // ls itself has one descriptor open: the directory.
        Assert.Equal("0 1 2 3 ", none.CloseInput().Wait().Expect());
        Assert.Equal("0 1 2 3 4 ", one.CloseInput().Wait().Expect());
    }

    [SoakTheory, Isolations]
    public void Many_runs_in_a_row(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("exit 5");
        for (int i = 0; i < (isolation == Isolation.Vm ? 20 : 100); i++)
        {
            Assert.Equal(new CommandResult(5, "", ""), place.RunBundle());
        }
    }

    [SoakTheory, Isolations]
    public void Many_runs_at_once(Isolation isolation) => RunAtOnce(isolation, isolation == Isolation.Vm ? 5 : 20);

    [RootFact]
    public void Several_runs_at_once() => RunAtOnce(Isolation.Namespaces, 5);

    private void RunAtOnce(Isolation isolation, int count)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("exit 5");

        List<RunningCommand> runs = [.. Enumerable.Range(0, count).Select(i => place.Start("run", "--bundle", place.Bundle.Path, $"{place.Id}-{i}").CloseInput())];

        Assert.All(runs, run => Assert.Equal(new CommandResult(5, "", ""), run.Wait()));
    }

    [Theory, Isolations]
    public void Debug_tells_the_steps_where_messages_go(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("echo", "hello");
        string log = Path.Combine(place.Path, "log");

        CommandResult shown = place.Run("--debug", "run", "--bundle", place.Bundle.Path, place.Id);
        CommandResult kept = place.Run("--debug", "--log", log, "--log-format", "json", "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal(0, shown.ExitCode);
        Assert.Equal("hello\n", shown.Output);
        Assert.Contains($"level=debug msg=\"container {place.Id}: claimed in ", shown.Error);
        Assert.Equal(new CommandResult(0, "hello\n", ""), kept);
        Assert.Contains($"{{\"level\":\"debug\",\"msg\":\"container {place.Id}: claimed in ", File.ReadAllText(log));
    }

    private void PassThroughCat(Isolation isolation, int megabytes)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("cat");
        byte[] chunk = new byte[1 << 20];
        new Random(1).NextBytes(chunk);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);

        for (int i = 0; i < megabytes; i++)
        {
            chunk[0] = (byte)i;
            hash.AppendData(chunk);
            run.Input.Write(chunk);
        }

        Assert.Equal(0, run.CloseInput().Wait().ExitCode);
        Assert.Equal((long)megabytes << 20, run.Output.Length);
        Assert.Equal(Convert.ToHexString(hash.GetHashAndReset()), run.Output.Sha256);
    }
}
