using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Faults;

/// <summary>The sandboxes of a host as <c>sandbox list|inspect|gc</c> show and clear them: what was killed goes, what lives stays.</summary>
public sealed class SandboxSweepTests : ContainerTest
{
    [Theory, Isolations]
    public void Live_sandbox_is_shown_and_not_touched(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");

        JsonObject listed = Listed(place)!;
        string id = (string)listed["id"]!;
        Assert.Equal((isolation.Flag(), "running", place.Root), ((string)listed["isolation"]!, (string)listed["state"]!, (string)listed["root"]!));
        Assert.Contains($"{id}\n", place.Run("sandbox", "list", "--quiet").Expect());
        Assert.Matches($"(?m)^{id} +{isolation.Flag()} +running +{place.Id} ", place.Run("sandbox", "list").Expect());
        JsonObject details = JsonNode.Parse(place.Run("sandbox", "inspect", id).Expect())!.AsObject();
        Assert.Equal("running", (string)details["containers"]![0]!["status"]!);
        if (isolation == Isolation.Vm)
        {
            Assert.Equal(MachineProcesses.Find(MachineProcesses.Hypervisor), (int)listed["machine"]!["pid"]!);
            Assert.True((bool)listed["supervisor"]!["alive"]!);
            Assert.Equal(256, (int)details["size"]!["memoryMiB"]!);
            Assert.Equal(["supervisor", "guardian", "machine", "fileServer"], details["helpers"]!.AsArray().Select(helper => (string)helper!["role"]!));
        }

        Assert.DoesNotContain(id, place.Run("sandbox", "gc").Expect());
        Assert.Equal("inside\n", place.Run("exec", place.Id, "echo", "inside").Expect());
        place.Run("delete", "--force", place.Id).Expect();
        Assert.Null(Listed(place));
    }

    [RootTheory]
    [InlineData("list", "more")]
    [InlineData("inspect")]
    [InlineData("remove")]
    public void Wrong_words_are_a_usage_error(params string[] words)
    {
        Workplace place = Place(Isolation.Namespaces);

        Assert.Contains("expected list, inspect SANDBOX or gc", place.Run(["sandbox", .. words]).Error);
        Assert.Contains("there is none", place.Run("sandbox", "inspect", "no-such").Error);
    }

    [Theory, Isolations]
    public void Creation_under_way_is_left_alone(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string gate = HangInHook(place);
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        Deadline.Wait("the hook", () => File.Exists(gate + ".waiting"));

        Assert.DoesNotContain(place.Id, place.Run("sandbox", "gc").Expect());
        if (isolation == Isolation.Vm)
        {
            Assert.Equal("creating", (string)Listed(place)!["state"]!);
        }

        File.WriteAllText(gate, "");
        Assert.Equal(0, create.WaitForExit());
        Assert.Equal("created", place.Status());
        place.Run("delete", place.Id).Expect();
    }

    [Theory, Isolations]
    public void Creation_that_was_killed_is_undone(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string gate = HangInHook(place);
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id);
        Deadline.Wait("the hook", () => File.Exists(gate + ".waiting"));
        if (isolation == Isolation.Vm)
        {
            KillSupervision();
        }

        create.KillAndWait();
        File.WriteAllText(gate, "");

        string would = place.Run("sandbox", "gc", "--dry-run").Expect();
        Assert.Contains($"would remove container {place.Id} in {place.Root}", would);
        Assert.True(Directory.Exists(Path.Combine(place.Root, place.Id)));
        Assert.Contains($"removed container {place.Id} in {place.Root}", place.Run("sandbox", "gc").Expect());

        Assert.Empty(Directory.EnumerateFileSystemEntries(place.Root));
        Assert.Null(Listed(place));
    }

    [VmTheory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Machine_that_nobody_supervises_is_ended_and_its_record_stays(bool withKeeper, bool withMachine)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");
        int keeper = (int)place.State()["pid"]!;
        int machine = MachineProcesses.Find(MachineProcesses.Hypervisor);
        int fileServer = MachineProcesses.Find(MachineProcesses.FileServer);

        // The machine before its file server, which ends it: both must be found by themselves.
        KillSupervision();
        if (withKeeper)
        {
            MachineProcesses.Signal(keeper, Signal.SIGKILL);
        }

        if (withMachine)
        {
            MachineProcesses.Signal(machine, Signal.SIGKILL);
            Deadline.Wait("the machine is gone", () => MachineProcesses.TryFind(MachineProcesses.Hypervisor) is null);
        }

        // A keeper that lives learns from its lifeline that nobody will come.
        Assert.Equal(137, Orphans.WaitForExit(keeper).Code);
        string removed = place.Run("sandbox", "gc").Expect();

        Assert.Equal(!withMachine, removed.Contains($"removed process {machine} (machine of sandbox", StringComparison.Ordinal));
        Assert.DoesNotContain(MachineProcesses.Hypervisor, ProcessTable.CommandLine(machine));
        Assert.DoesNotContain(MachineProcesses.FileServer, ProcessTable.CommandLine(fileServer));
        Assert.Equal("stopped", place.Status());
        Assert.Equal("ended", (string)Listed(place)!["state"]!);
        place.Run("delete", place.Id).Expect();
    }

    [VmFact]
    public void Sandbox_whose_records_were_removed_is_ended()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");
        string id = (string)Listed(place)!["id"]!;
        Directory.Delete(place.Root, recursive: true);

        Assert.Contains($"removed sandbox {id} with supervisor ", place.Run("sandbox", "gc").Expect());

        Assert.DoesNotContain(id, place.Run("sandbox", "list", "--quiet").Expect());
        Assert.Null(MachineProcesses.TryFind(MachineProcesses.Hypervisor));
    }

    [RootFact]
    public void Files_of_shims_that_were_killed_are_removed()
    {
        Workplace place = Place(Isolation.Namespaces);
        Directory.CreateDirectory("/run/caisson/shims");
        string dead = $"/run/caisson/shims/{place.Name}dead.sock";
        string alive = $"/run/caisson/shims/{place.Name}alive.sock";
        string file = "/run/caisson/shims/2147483600-1-0badcafe.log";
        using RunningCommand sleeper = place.StartProgram("/bin/sleep", ["1000"]);
        ProcessIdentity working = ProcessIdentity.Read(sleeper.Pid);
        string used = $"/run/caisson/shims/{working.Pid}-{working.StartTimeTicks}-0badcafe.log";
        UnixSocket.Listen(dead).Dispose();
        using (UnixSocket.Listen(alive))
        {
            File.WriteAllText(file, "");
            File.WriteAllText(used, "");

            string removed = place.Run("sandbox", "gc").Expect();

            Assert.Contains(dead, removed);
            Assert.Contains(file, removed);
            Assert.Equal((false, true, false, true), (File.Exists(dead), File.Exists(alive), File.Exists(file), File.Exists(used)));
        }

        File.Delete(alive);
        File.Delete(used);
        sleeper.KillAndWait();
    }

    private static void KillSupervision()
    {
        int guardian = MachineProcesses.Find(MachineProcesses.Guardian);
        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(guardian, Signal.SIGSTOP);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Signal(guardian, Signal.SIGKILL);
        Deadline.Wait("both are gone", () => MachineProcesses.TryFind(MachineProcesses.Supervisor) is null && MachineProcesses.TryFind(MachineProcesses.Guardian) is null);
    }

    // A hook that says that it waits, and goes on when the gate is there.
    private static string HangInHook(Workplace place)
    {
        string gate = Path.Combine(place.Path, "gate");
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = JsonNode.Parse(
            $$"""{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","touch {{gate}}.waiting; while ! test -e {{gate}}; do sleep 0.05; done"],"env":["PATH=/bin:/usr/bin"]}]}"""));
        return gate;
    }

    private static JsonObject? Listed(Workplace place)
    {
        JsonArray all = JsonNode.Parse(place.Run("sandbox", "list", "--format", "json").Expect())!.AsArray();
        return all.Select(sandbox => sandbox!.AsObject()).FirstOrDefault(sandbox => (string?)sandbox["root"] == place.Root);
    }
}
