using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Faults;

/// <summary>A machine lacks one of its parts: the error names it, and nothing weaker is taken instead.</summary>
public sealed class MissingPartsTests : ContainerTest
{
    [RootTheory]
    [InlineData("qemu")]
    [InlineData("virtiofsd")]
    [InlineData("kernel")]
    [InlineData("initrd")]
    public void Part_that_is_configured_and_missing_is_named(string part)
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ran");
        string configuration = Path.Combine(place.Path, "caisson.json");
        File.WriteAllText(configuration, new JsonObject { ["vm"] = new JsonObject { [part] = $"/nowhere/{part}" } }.ToJsonString());

        CommandResult result = place.Run("--config", configuration, "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains($"/nowhere/{part}", result.Error);
    }

    [VmFact]
    public void Hypervisor_that_ends_at_once_is_told_with_its_words()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ran");
        string configuration = Path.Combine(place.Path, "caisson.json");
        File.WriteAllText(configuration, new JsonObject { ["vm"] = new JsonObject { ["kernel"] = "/etc/hostname" } }.ToJsonString());

        CommandResult result = place.Run("--config", configuration, "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("start QEMU", result.Error);
    }

    [RootTheory]
    [InlineData("{", "not JSON")]
    [InlineData("{\"vm\":{\"memoryMiB\":\"much\"}}", "vm.memoryMiB")]
    [InlineData("{\"colour\":\"blue\"}", "colour")]
    public void Configuration_that_is_wrong_is_refused(string text, string said)
    {
        Workplace place = Place(Isolation.Vm);
        string configuration = Path.Combine(place.Path, "caisson.json");
        File.WriteAllText(configuration, text);

        CommandResult result = place.Run("--config", configuration, "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(configuration, result.Error);
        Assert.Contains(said, result.Error);
    }
}
