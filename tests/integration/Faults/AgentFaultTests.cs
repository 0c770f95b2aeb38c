using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Faults;

/// <summary>The agent dies in the middle of its work. Its guest is built for this test alone: no shipped agent can be told to.</summary>
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
