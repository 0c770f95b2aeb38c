using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>What the program says of itself and of its machines.</summary>
public sealed class ProgramTests : ContainerTest
{
    [Fact]
    public void Version_names_the_commit_where_there_is_one()
    {
        Assert.SkipUnless(Directory.Exists(Path.Combine(Executable.GuestAssets, "../../.git")) || File.Exists(Path.Combine(Executable.GuestAssets, "../../.git")), "no repository");

        string version = RunningCommand.Start(Executable.Path, ["--version"]).CloseInput().Wait().Expect();

        Assert.Matches("^caisson version [0-9.]+\\S*\ncommit: [0-9a-f]{12,40}(-dirty)?\nspec: [0-9.]+\n$", version);
    }

    [VmFact]
    public void Debug_has_kernel_and_agent_tell_what_they_do()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("sleep", "1000");

        Assert.DoesNotContain("Linux version", ConsoleOf(place));
        string console = ConsoleOf(place, "--debug");

        Assert.Contains("Linux version", console);
        Assert.Contains("ms after its start", console);
    }

    private static string ConsoleOf(Workplace place, params string[] flags)
    {
        RunningCommand create = place.Start([.. flags, "create", "--bundle", place.Bundle.Path, place.Id]);
        Assert.Equal(0, create.WaitForExit());
        create.CloseInput();
        string sandbox = (string)JsonNode.Parse(File.ReadAllText(Path.Combine(place.Root, place.Id, "state.json")))!["sandbox"]!;
        string console = File.ReadAllText($"/run/caisson/sandboxes/{sandbox}/console.log");
        place.Run("delete", "--force", place.Id).Expect();
        return console;
    }
}
