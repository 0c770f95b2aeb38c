using Caisson.Harness;

namespace Caisson.IntegrationTests.Faults;

/// <summary>A record that was damaged, or written by another version: nothing is guessed, and the container is not immortal.</summary>
public sealed class DamagedRecordTests : ContainerTest
{
    [Theory, Isolations]
    public void Damaged_record_is_named_and_its_container_can_be_deleted(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("echo ready; exec sleep 1000");
        place.Detach().WaitForOutput("ready");
        string record = Path.Combine(place.Root, place.Id, "state.json");
        File.WriteAllText(record, "{\"caissonFormat\":");

        CommandResult state = place.Run("state", place.Id);
        CommandResult list = place.Run("list");
        place.Run("delete", "--force", place.Id).Expect();

        Assert.Equal(1, state.ExitCode);
        Assert.Contains(record, state.Error);
        Assert.Contains(place.Id, list.Output + list.Error);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    [RootFact]
    public void Record_of_another_format_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();
        string record = Path.Combine(place.Root, place.Id, "state.json");
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"caissonFormat\":1", "\"caissonFormat\":999", StringComparison.Ordinal));

        CommandResult kill = place.Run("kill", place.Id, "KILL");

        Assert.Equal(1, kill.ExitCode);
        Assert.Contains("999", kill.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }
}
