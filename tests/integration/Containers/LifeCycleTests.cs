using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>A container through all of its states, by the commands that engines give.</summary>
public sealed class LifeCycleTests : ContainerTest
{
    [Theory, Isolations]
    public void Container_whose_pid_nobody_could_be_told_is_not_there(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true");

        CommandResult result = place.Run("create", "--bundle", place.Bundle.Path, "--pid-file", "/nowhere/pid", place.Id);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("--pid-file /nowhere/pid: no such file or directory", result.Error);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    [Theory, Isolations]
    public void Container_goes_from_created_to_deleted(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string pidFile = Path.Combine(place.Path, "pid");
        place.Bundle.Script("echo started; exec sleep 1000").Edit(config => config["annotations"] = new JsonObject { ["org.example.colour"] = "blue" });

        RunningCommand create = place.Create("--pid-file", pidFile);

        JsonObject state = place.State();
        Assert.Equal("created", (string)state["status"]!);
        Assert.Equal(place.Id, (string)state["id"]!);
        Assert.Equal(place.Bundle.Path, (string)state["bundle"]!);
        Assert.Equal("blue", (string)state["annotations"]!["org.example.colour"]!);
        int pid = int.Parse(File.ReadAllText(pidFile));
        Assert.Equal(pid, (int)state["pid"]!);
        Assert.Equal("", create.Output.Text);

        place.Run("start", place.Id).Expect();
        create.WaitForOutput("started");
        Assert.Equal("running", place.Status());

        place.Run("pause", place.Id).Expect();
        Assert.Equal("paused", place.Status());
        CommandResult refused = place.Run("exec", place.Id, "true");
        Assert.Equal(255, refused.ExitCode);
        Assert.Contains("cannot exec in a paused container", refused.Error);
        place.Run("resume", place.Id).Expect();
        Assert.Equal("running", place.Status());

        CommandResult early = place.Run("delete", place.Id);
        Assert.Equal(1, early.ExitCode);
        Assert.Contains("not stopped", early.Error);

        place.Run("kill", place.Id, "9").Expect();
        Assert.Equal(137, Orphans.WaitForExit(pid).Code);
        Assert.Equal("stopped", place.Status());
        CommandResult late = place.Run("kill", place.Id, "9");
        Assert.Equal(1, late.ExitCode);
        Assert.Contains("container not running", late.Error);

        place.Run("delete", place.Id).Expect();
        CommandResult unknown = place.Run("state", place.Id);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("container does not exist", unknown.Error);
    }

    [Theory, Isolations]
    public void Exit_code_of_a_detached_container_is_that_of_the_pid(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string pidFile = Path.Combine(place.Path, "pid");
        place.Bundle.Script("read line; echo \"got $line\"; exit 9");
        RunningCommand run = place.Detach("--pid-file", pidFile);

        run.Input.Write("hello\n"u8);
        run.Input.Flush();

        Assert.Equal(9, Orphans.WaitForExit(int.Parse(File.ReadAllText(pidFile))).Code);
        Assert.Equal("got hello\n", run.CloseInput().Wait().Output);
        Assert.Equal("stopped", place.Status());
        place.Run("delete", place.Id).Expect();
    }

    [Theory, Isolations]
    public void Forced_delete_takes_a_container_in_any_state(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("exec sleep 1000");

        place.Create();
        place.Run("delete", "--force", place.Id).Expect();

        place.Detach();
        place.Run("pause", place.Id).Expect();
        place.Run("delete", "--force", place.Id).Expect();

        place.Run("delete", "--force", place.Id).Expect();
        CommandResult unknown = place.Run("delete", place.Id);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("container does not exist", unknown.Error);
    }

    [RootFact]
    public void Created_container_whose_init_is_killed_is_stopped_and_cannot_start()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("true");
        place.Create();

        place.Run("kill", place.Id, "KILL").Expect();
        place.WaitForStatus("stopped");

        CommandResult start = place.Run("start", place.Id);
        Assert.Equal(1, start.ExitCode);
        Assert.Contains("cannot start a container that has stopped", start.Error);
        place.Run("delete", place.Id).Expect();
    }

    [RootFact]
    public void Running_container_is_not_started_again()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult again = place.Run("start", place.Id);

        Assert.Equal(1, again.ExitCode);
        Assert.Contains("cannot start an already running container", again.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Containers_end_does_not_wait_for_the_reader_of_its_output()
    {
        // conmon reads nothing before create has ended.
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo much; exec sleep 1000");

        RunningCommand run = place.Detach();

        run.WaitForOutput("much");
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void All_processes_of_a_container_are_signalled_where_that_is_asked_for()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("sleep 1000 & sleep 1000 & echo ready; wait; wait; echo waited; exec sleep 1000");
        RunningCommand run = place.Detach();
        run.WaitForOutput("ready");

        place.Run("kill", "--all", place.Id, "TERM").Expect();

        // A shell as pid 1 ignores SIGTERM, its children do not.
        run.WaitForOutput("waited");
        place.Run("delete", "--force", place.Id).Expect();
    }

    [Theory, Isolations]
    public void Stopped_container_has_no_processes_and_takes_a_signal_to_all_of_them(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true");
        place.Detach();
        place.WaitForStatus("stopped");

        place.Run("kill", "--all", place.Id, "0").Expect();
        Assert.Equal(1, place.Run("kill", place.Id, "0").ExitCode);
        Assert.StartsWith("UID", Assert.Single(place.Run("ps", place.Id).Expect().TrimEnd('\n').Split('\n')));
        place.Run("delete", place.Id).Expect();
    }

    [RootFact]
    public void Init_that_keeps_a_signal_from_its_end_dies_by_kill()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        RunningCommand run = place.Detach();
        run.WaitForOutput("ready");

        place.Run("kill", place.Id).Expect();
        Assert.Equal("running", place.Status());
        place.Run("kill", place.Id, "SIGKILL").Expect();

        place.WaitForStatus("stopped");
        place.Run("delete", place.Id).Expect();
    }
}
