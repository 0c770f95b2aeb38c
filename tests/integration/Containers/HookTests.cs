using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Programs of the host that a configuration names for moments in a container's life.</summary>
public sealed class HookTests : ContainerTest
{
    [Theory, Isolations]
    public void Hooks_run_in_order_and_get_the_state(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string log = Path.Combine(place.Path, "log");
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject
        {
            ["prestart"] = Hook($"echo prestart $(cat) >>{log}"),
            ["createRuntime"] = Hook($"echo createRuntime $(cat) >>{log}"),
            ["poststart"] = Hook($"echo poststart $(cat) >>{log}"),
            ["poststop"] = Hook($"echo poststop $(cat) >>{log}"),
        });

        place.RunBundle().Expect();

        string[] lines = File.ReadAllLines(log);
        Assert.Equal(["prestart", "createRuntime", "poststart", "poststop"], lines.Select(line => line.Split(' ')[0]));
        Assert.All(lines, line => Assert.Equal(place.Id, (string)JsonNode.Parse(line[line.IndexOf('{')..])!["id"]!));
    }

    [Theory, Isolations]
    public void Hook_that_fails_ends_the_creation(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { ["createRuntime"] = Hook("echo no such luck >&2; exit 3") });

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("createRuntime", result.Error);
        Assert.Contains("no such luck", result.Error);
    }

    [RootFact]
    public void Hooks_of_the_container_run_in_its_namespaces()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Writable().Script("cat /tmp/hooked").Edit(config => config["hooks"] = new JsonObject
        {
            ["startContainer"] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", "hostname >/tmp/hooked"), ["env"] = new JsonArray("PATH=/bin") }),
        });

        Assert.Equal((string)place.Bundle.Config["hostname"]! + "\n", place.RunBundle().Expect());
    }

    private static JsonArray Hook(string script) => [new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", script), ["env"] = new JsonArray("PATH=/usr/bin:/bin") }];
}
