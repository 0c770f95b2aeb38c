using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Faults;

/// <summary>The agent dies in the middle of its work, or turns against its host. Its guest is built for this test alone: no shipped agent can be told to.</summary>
public sealed class AgentFaultTests : ContainerTest
{
    [SoakTheory]
    [InlineData("after-mounts")]
    [InlineData("before-serve")]
    [InlineData("in-create")]
    [InlineData("after-create")]
    [InlineData("in-start")]
    [InlineData("after-start")]
    [InlineData("in-exec")]
    [InlineData("in-wait")]
    [InlineData("in-read")]
    [InlineData("in-remove")]
    public void Agent_that_dies_leaves_the_truth_and_nothing_else(string point)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; exec sleep 1000");
        string configuration = FaultAt(place, point);

        int created = place.Start("--config", configuration, "create", "--bundle", place.Bundle.Path, place.Id).WaitForExit();
        int started = place.Run("start", place.Id).ExitCode;
        int executed = place.Run("exec", place.Id, "true").ExitCode;

        Assert.True(point == "in-remove" || created != 0 || started != 0 || executed != 0, $"nothing failed at {point}");
        Assert.Equal(created == 0 ? place.Id : "", place.Run("list", "--quiet").Expect().Trim());
        place.Run("delete", "--force", place.Id).Expect();
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    // As a program that panics its kernel at once: nobody hears that it was started.
    [SoakTheory]
    [InlineData("in-start")]
    [InlineData("after-start")]
    public void Machine_that_ends_before_start_is_answered_is_the_containers_end(string point)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("exec sleep 1000");

        CommandResult result = place.Start("--config", FaultAt(place, point), "run", "--bundle", place.Bundle.Path, place.Id).CloseInput().Wait();

        Assert.Contains("virtual machine: the guest kernel panicked: not syncing: Attempted to kill init!", result.Error);
        Assert.Equal(137, result.ExitCode);
    }

    // Some manners are met by the limit of a call (60 s) or of the handshake, the others at once.
    [SoakTheory]
    [InlineData("before-serve:garbage")]
    [InlineData("before-serve:oversize")]
    [InlineData("before-serve:strangers")]
    [InlineData("before-serve:nonsense")]
    [InlineData("in-create:strangers")]
    [InlineData("in-exec:garbage")]
    [InlineData("in-exec:oversize")]
    [InlineData("in-exec:nonsense")]
    [InlineData("in-exec:silence")]
    [InlineData("in-read:flood")]
    [InlineData("in-read:misplace")]
    [InlineData("in-read:hollow")]
    [InlineData("in-wait:absurd")]
    public void Agent_that_turns_hostile_is_reported_in_one_line_and_costs_the_host_little(string fault)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ready; sleep 3");
        string configuration = FaultAt(place, fault);
        RunningCommand created = place.Start("--config", configuration, "create", "--bundle", place.Bundle.Path, place.Id);
        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        using var peak = new PeakMemory(supervisor);

        string complaint;
        if (created.WaitForExit() != 0)
        {
            complaint = created.CloseInput().Wait().Error;
        }
        else
        {
            place.Run("start", place.Id);
            CommandResult executed = place.Run("exec", place.Id, "sleep", "5");
            Assert.NotEqual(0, executed.ExitCode);
            Assert.Single(place.Run("list", "--quiet").Expect().Split('\n', StringSplitOptions.RemoveEmptyEntries));
            complaint = executed.Error.Length > 0 ? executed.Error : CauseOfEnd(place);
        }

        Assert.NotEmpty(complaint.Trim());
        Assert.DoesNotContain('\n', complaint.Trim());
        Assert.InRange(peak.Kibibytes(), 1, 64 * 1024);
        place.Run("delete", "--force", place.Id);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    // An exec that the guest ended with its container has nothing to complain of; the container has.
    private static string CauseOfEnd(Workplace place)
    {
        Deadline.Wait("the container's end", () => place.Status() == "stopped");
        return (string)place.State()["annotations"]!["io.caisson.cause"]!;
    }

    private static string FaultAt(Workplace place, string point)
    {
        string configuration = Path.Combine(place.Path, "caisson.json");
        File.WriteAllText(configuration, new JsonObject
        {
            ["vm"] = new JsonObject
            {
                ["initrd"] = Path.GetFullPath(Path.Combine(Executable.GuestAssets, "../guest-faults/initrd.img")),
                ["kernelParameters"] = new JsonArray($"caisson.fault={point}"),
            },
        }.ToJsonString());
        return configuration;
    }
}
