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

    // createContainer runs a program of the host where the container's mounts are; startContainer one of the container, in it.
    [Theory, Isolations]
    public void Hooks_of_the_container_run_in_its_namespaces(Isolation isolation)
    {
        Workplace place = Place(isolation);
        string log = Path.Combine(place.Path, "log");
        place.Bundle.Writable().Script("cat /tmp/hooked").Edit(config => config["hooks"] = new JsonObject
        {
            ["createContainer"] = Hook($"grep -c ' {place.Bundle.RootFs}/proc proc ' /proc/self/mounts >{log}; grep -c '\"status\":\"creating\"' >>{log}"),
            ["startContainer"] = Hook("{ hostname; grep -c '\"status\":\"created\"'; ls /bin/busybox; } >/tmp/hooked"),
        });

        Assert.Equal((string)place.Bundle.Config["hostname"]! + "\n1\n/bin/busybox\n", place.RunBundle().Expect());
        Assert.Equal("1", File.ReadAllLines(log)[1]);
    }

    [Theory, Isolations]
    public void Hook_that_hangs_is_killed_after_its_time(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true").Edit(config =>
        {
            JsonArray hooks = Hook("sleep 600");
            hooks[0]!["timeout"] = 1;
            config["hooks"] = new JsonObject { ["createContainer"] = hooks };
        });

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error running createContainer hook #0", result.Error);
        Assert.Contains("hook ran past specified timeout of 1s", result.Error);
    }

    private static JsonArray Hook(string script) => [new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", script), ["env"] = new JsonArray("PATH=/usr/bin:/bin") }];
}
