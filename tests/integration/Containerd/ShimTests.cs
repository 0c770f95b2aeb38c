using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>containerd's own client, with Caisson as the runtime: what ctr and whatever stands above containerd do with a container.</summary>
public sealed class ShimTests : ContainerTest
{
    private ContainerdDaemon? _containerd;

    [Theory, Isolations]
    public void Container_runs_and_its_output_and_code_come_back(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);

        CommandResult run = containerd.Run(
            ["run", "--rm", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);

        Assert.Equal(("out\n", 7), (run.Output, run.ExitCode));
        Assert.Contains("err\n", run.Error);
    }

    [Theory, Isolations]
    public void Input_arrives_whole_and_ends(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);

        using RunningCommand run = containerd.Begin(
            ["run", "--rm", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "cat | wc -c"]);
        run.Input.Write(new byte[1_000_000]);
        CommandResult result = run.CloseInput().Wait();

        Assert.Equal("1000000", result.Expect().Trim());
    }

    [Theory, Isolations]
    public void Terminal_is_the_clients(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);

        using var terminal = TerminalSession.Start(
            "/usr/bin/ctr",
            [.. containerd.Globals, "run", "--rm", "--tty", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "tty; echo ready; read line; echo got $line; exit 3"],
            new WindowSize(30, 101));
        terminal.WaitForText("ready");
        Assert.Contains("/dev/", terminal.Screen.Text);
        terminal.Type("word\n");
        terminal.WaitForText("got word");

        Assert.Equal(3, terminal.WaitForExit());
    }

    [Theory, Isolations]
    public void Detached_container_is_managed(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);
        containerd.Run(["run", "--detach", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "while :; do sleep 1000; done"]).Expect();

        CommandResult exec = containerd.Run("tasks", "exec", "--exec-id", "one", place.Id, "/bin/sh", "-c", "echo inside; exit 5");
        Assert.Equal(("inside\n", 5), (exec.Output, exec.ExitCode));
        Assert.Contains("executable file not found", containerd.Run("tasks", "exec", "--exec-id", "two", place.Id, "missing").Error);
        Assert.Contains("RUNNING", containerd.Run("tasks", "list").Expect());
        containerd.Run("tasks", "pause", place.Id).Expect();
        Assert.Contains("PAUSED", containerd.Run("tasks", "list").Expect());
        containerd.Run("tasks", "resume", place.Id).Expect();
        Assert.Contains("RUNNING", containerd.Run("tasks", "list").Expect());
        Assert.Contains("memory.usage_in_bytes", containerd.Run("tasks", "metrics", place.Id).Expect());
        // A header, and the host's processes: in a machine that is the keeper alone.
        int lines = containerd.Run("tasks", "ps", place.Id).Expect().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.Equal(isolation == Isolation.Vm ? 2 : 3, lines);

        if (isolation == Isolation.Vm)
        {
            // The file that the shim runs from, and not a copy of it for each container.
            Assert.DoesNotContain("memfd", new FileInfo($"/proc/{MachineProcesses.Find(MachineProcesses.Supervisor)}/exe").LinkTarget);
        }

        End(containerd, place, Signal.SIGKILL, 137);
    }

    [Theory, Isolations]
    public void Events_come_in_the_order_of_what_happened(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);
        using RunningCommand events = containerd.Begin("events");
        // The subscription is there once it shows something.
        Deadline.Wait("an event of an image's label", () =>
        {
            containerd.Run("images", "label", ContainerdDaemon.Image, $"seen={Environment.TickCount64}").Expect();
            return events.Output.Text.Contains("/images/update", StringComparison.Ordinal);
        });

        containerd.Run(["run", "--rm", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "true"]).Expect();

        events.WaitForOutput("/tasks/delete");
        string[] topics = [.. events.Output.Text.Split('\n').SelectMany(line => line.Split(' ')).Where(word => word.StartsWith("/tasks/", StringComparison.Ordinal))];
        Assert.Equal(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"], topics);
    }

    [Theory, Isolations]
    public void Missing_program_is_named_and_nothing_is_left(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);

        CommandResult run = containerd.Run(["run", "--rm", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/missing"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("OCI runtime create failed: ", run.Error);
        Assert.Contains("\"/missing\": stat /missing: no such file or directory", run.Error);
        Assert.DoesNotContain(place.Id, containerd.Run("tasks", "list").Expect());
    }

    // Signalled as a whole, because a task that has stopped is not asked further otherwise.
    [RootFact]
    public void Container_that_somebody_else_deleted_is_not_found()
    {
        Workplace place = Place(Isolation.Namespaces);
        ContainerdDaemon containerd = Containerd(place);
        containerd.Run(["run", "--detach", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "sleep", "1000"]).Expect();
        RunningCommand.Start(Executable.Path, ["--root", containerd.Records, "delete", "--force", place.Id]).CloseInput().Wait().Expect();
        Deadline.Wait("the task's end", () => containerd.Run("tasks", "list").Output.Contains("STOPPED", StringComparison.Ordinal));

        CommandResult killed = containerd.Run("tasks", "kill", "--all", place.Id);

        Assert.Contains("container does not exist: not found", killed.Error);
        Remove(containerd, place);
    }

    [Theory, Isolations]
    public void Output_goes_to_a_file_where_one_is_named(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);
        string log = Path.Combine(place.Path, "logs", "container.log");

        containerd.Run(["run", "--detach", .. containerd.RunFlags, "--log-uri", $"file://{log}", ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "echo out; echo err >&2"]).Expect();

        Deadline.Wait("the task's end", () => containerd.Run("tasks", "list").Output.Contains("STOPPED", StringComparison.Ordinal));
        Assert.Equal("out\nerr\n", File.ReadAllText(log));
        Remove(containerd, place);
    }

    [RootFact]
    public void Output_goes_to_a_program_which_reads_it_to_its_end()
    {
        Workplace place = Place(Isolation.Namespaces);
        ContainerdDaemon containerd = Containerd(place);
        string log = Path.Combine(place.Path, "log");
        string program = Path.Combine(place.Path, "logger");
        // The arguments are the query's words: a name, and the file.
        File.WriteAllText(program, "#!/bin/sh\nexec 5>&-\ncat <&3 >\"$2\"\necho \"end of $CONTAINER_ID\" >>\"$2\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        containerd.Run(["run", "--detach", .. containerd.RunFlags, "--log-uri", $"binary://{program}?file={log}", ContainerdDaemon.Image, place.Id, "echo", "out"]).Expect();

        Deadline.Wait("the task's end", () => containerd.Run("tasks", "list").Output.Contains("STOPPED", StringComparison.Ordinal));
        Remove(containerd, place);
        Assert.Equal($"out\nend of {place.Id}\n", File.ReadAllText(log));
    }

    [Theory, Isolations]
    public void Container_outlives_containerd_and_is_found_again(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);
        string log = Path.Combine(place.Path, "log");
        string[] script = ["/bin/sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.2; done"];
        containerd.Run(["run", "--detach", .. containerd.RunFlags, "--log-uri", $"file://{log}", ContainerdDaemon.Image, place.Id, .. script]).Expect();
        int shim = ContainerdDaemon.Shim();
        // A signal that comes before its trap is nobody's: the program is process 1.
        Deadline.Wait("the trap", () => File.ReadAllText(log) == "ready\n");

        containerd.Restart();

        Assert.Contains("RUNNING", containerd.Run("tasks", "list").Expect());
        Assert.Equal(shim, ContainerdDaemon.Shim());
        End(containerd, place, Signal.SIGTERM, 9);
    }

    [Theory, Isolations]
    public void Killed_shim_is_cleaned_up_after(Isolation isolation)
    {
        Workplace place = Place(isolation);
        ContainerdDaemon containerd = Containerd(place);
        containerd.Run(["run", "--detach", .. containerd.RunFlags, ContainerdDaemon.Image, place.Id, "/bin/sh", "-c", "while :; do sleep 1000; done"]).Expect();

        MachineProcesses.Signal(ContainerdDaemon.Shim(), Signal.SIGKILL);

        // containerd runs the shim's delete by itself; the place's check finds whatever is left.
        Deadline.Wait("the task is gone", () => !containerd.Run("tasks", "list").Output.Contains(place.Id, StringComparison.Ordinal));
        Deadline.Wait("the record is gone", () => !containerd.HasRecords);
        containerd.Run("containers", "delete", place.Id).Expect();
    }

    protected override void Finish(bool failed) => _containerd?.Finish(failed);

    private ContainerdDaemon Containerd(Workplace place) => _containerd = ContainerdDaemon.Start(place);

    private static void End(ContainerdDaemon containerd, Workplace place, Signal signal, int code)
    {
        containerd.Run("tasks", "kill", "--signal", signal.ToString(), place.Id).Expect();
        Deadline.Wait("the task's end", () => containerd.Run("tasks", "list").Output.Contains("STOPPED", StringComparison.Ordinal));
        Assert.Contains($"exit code {code}\"", containerd.Run("tasks", "delete", place.Id).Error);
        containerd.Run("containers", "delete", place.Id).Expect();
    }

    private static void Remove(ContainerdDaemon containerd, Workplace place)
    {
        containerd.Run("tasks", "delete", place.Id).Expect();
        containerd.Run("containers", "delete", place.Id).Expect();
    }
}
