using System.Diagnostics;
using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Faults;

/// <summary>The processes behind a container in a virtual machine die, one by one and together.</summary>
public sealed class KilledMachineTests : ContainerTest
{
    private const string CountUntilTerminated = "trap stop=1 TERM; i=0; while [ -z \"$stop\" ]; do echo $i; i=$((i+1)); usleep 1000; done; echo end $i; exit 5";
    private static readonly string[] s_capabilitySets = ["bounding", "effective", "permitted"];

    [VmFact]
    public void Death_of_the_supervisor_costs_nothing()
    {
        // A sandbox is ended at the sixth death in quick succession, so ten moments are those of two.
        for (int sandbox = 0; sandbox < (Host.Soaks ? 2 : 1); sandbox++)
        {
            KillSupervisors(moments: Host.Soaks ? 5 : 4, firstMoment: 5 * sandbox);
        }
    }

    private void KillSupervisors(int moments, int firstMoment)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script(CountUntilTerminated);
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("0\n");

        int supervisor = 0;
        for (int i = 0; i < moments; i++)
        {
            supervisor = MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);
            WaitForMore(run, lines: 5 * (1 + firstMoment + i));
            MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        }

        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);
        Assert.Equal("hello\n", place.Run("exec", place.Id, "echo", "hello").Expect());
        place.Run("kill", place.Id, "TERM").Expect();
        CommandResult result = run.CloseInput().Wait();
        Assert.Equal((5, ""), (result.ExitCode, result.Error));
        RequireEveryNumber(result.Output);
    }

    [VmFact]
    public void Death_of_the_guardian_costs_nothing_and_it_comes_back()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script(CountUntilTerminated);
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("0\n");

        int guardian = MachineProcesses.Find(MachineProcesses.Guardian);
        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(guardian, Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Guardian, guardian);
        // The new guardian does what the old one did.
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);

        Assert.Equal("hello\n", place.Run("exec", place.Id, "echo", "hello").Expect());
        place.Run("kill", place.Id, "TERM").Expect();
        CommandResult result = run.CloseInput().Wait();
        Assert.Equal((5, ""), (result.ExitCode, result.Error));
        RequireEveryNumber(result.Output);
    }

    [VmFact]
    public void Death_of_supervisor_and_guardian_together_can_be_cleared_away()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");

        int guardian = MachineProcesses.Find(MachineProcesses.Guardian);
        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(guardian, Signal.SIGSTOP);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Signal(guardian, Signal.SIGKILL);

        Assert.Equal(place.Id + "\n", place.Run("list", "--quiet").Expect());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void Death_of_the_keeper_ends_the_workload()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");
        int keeper = (int)place.State()["pid"]!;

        MachineProcesses.Signal(keeper, Signal.SIGKILL);

        Assert.Equal(137, Orphans.WaitForExit(keeper).Code);
        Assert.Equal("stopped", place.Status());
        place.Run("delete", place.Id).Expect();
    }

    [VmFact]
    public void Death_of_the_hypervisor_is_137_and_told()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id);
        run.WaitForOutput("ready");

        MachineProcesses.Signal(MachineProcesses.Find(MachineProcesses.Hypervisor), Signal.SIGKILL);

        CommandResult result = run.CloseInput().Wait();
        Assert.Equal((137, "ready\n"), (result.ExitCode, result.Output));
        Assert.Contains("virtual machine", result.Error);
    }

    [VmFact]
    public void Death_of_the_file_server_is_the_machines_and_told_by_state()
    {
        Workplace place = Place(Isolation.Vm);
        string pidFile = Path.Combine(place.Path, "pid");
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach("--pid-file", pidFile).WaitForOutput("ready");

        MachineProcesses.Signal(MachineProcesses.Find(MachineProcesses.FileServer), Signal.SIGKILL);

        Assert.Equal(137, Orphans.WaitForExit(int.Parse(File.ReadAllText(pidFile))).Code);
        JsonObject state = place.State();
        Assert.Equal("stopped", (string)state["status"]!);
        Assert.Contains("virtiofsd", (string?)state["annotations"]?["io.caisson.cause"] ?? "");
        place.Run("delete", place.Id).Expect();
    }

    [VmFact]
    public void Panic_of_the_guest_is_137_and_told()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo c >/proc/sysrq-trigger; exec sleep 1000").Edit(config =>
        {
            config["linux"]!["readonlyPaths"] = new JsonArray();
            config["linux"]!["maskedPaths"] = new JsonArray();
            foreach (string set in s_capabilitySets)
            {
                config["process"]!["capabilities"]![set]!.AsArray().Add("CAP_SYS_ADMIN");
            }
        });

        CommandResult result = place.RunBundle();

        Assert.Contains("the guest kernel panicked: not syncing: sysrq triggered crash", result.Error);
        Assert.Equal(137, result.ExitCode);
    }

    [VmFact]
    public void Machine_that_hangs_can_be_deleted()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");

        // As QMP's "stop": nothing in the guest answers any more.
        MachineProcesses.Signal(MachineProcesses.Find(MachineProcesses.Hypervisor), Signal.SIGSTOP);

        Assert.Equal("running", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [SoakTheory]
    [InlineData(MachineProcesses.Supervisor)]
    [InlineData(MachineProcesses.Guardian)]
    [InlineData(MachineProcesses.Hypervisor)]
    [InlineData(MachineProcesses.FileServer)]
    [InlineData("")]
    public void Process_that_dies_at_any_moment_leaves_nothing_that_cannot_be_deleted(string victim)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); usleep 1000; done");
        long begin = Stopwatch.GetTimestamp();
        place.RunBundle().Expect();
        TimeSpan whole = Stopwatch.GetElapsedTime(begin);

        for (int i = 1; i <= 10; i++)
        {
            RunningCommand run = place.Start("run", "--bundle", place.Bundle.Path, place.Id).CloseInput();
            long start = Stopwatch.GetTimestamp();
            Deadline.Wait("the moment", () => run.HasExited || Stopwatch.GetElapsedTime(start) > whole * i / 11);
            if ((victim.Length == 0 ? run.Pid : MachineProcesses.TryFind(victim)) is { } pid)
            {
                MachineProcesses.Signal(pid, Signal.SIGKILL);
            }

            run.WaitForExit();
            place.Run("delete", "--force", place.Id).Expect();
            Assert.Equal("", place.Run("list", "--quiet").Expect());
        }
    }

    private static void WaitForMore(RunningCommand run, int lines)
    {
        long before = run.Output.Text.Count(c => c == '\n');
        Deadline.Wait($"{lines} more lines", () => run.Output.Text.Count(c => c == '\n') >= before + lines, () => $"{run.Output.Text.Length} characters; {run.Error.Text}");
    }

    // Nothing is lost and nothing comes twice.
    private static void RequireEveryNumber(string output)
    {
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"end {lines.Length - 1}", lines[^1]);
        Assert.Equal(Enumerable.Range(0, lines.Length - 1).Select(i => i.ToString()), lines[..^1]);
    }
}
