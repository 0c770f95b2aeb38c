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

    [RootFact]
    public void Hook_that_enters_the_mount_namespace_finds_the_containers_mounts_at_the_bundles_path()
    {
        Workplace place = Place(Isolation.Namespaces);
        string root = place.Bundle.RootFs;
        File.WriteAllText(Path.Combine(place.Path, "given"), "given by a hook\n");
        File.WriteAllText(place.Bundle.InRoot("etc/given"), "");
        // In the namespace the host's tree is still there, and the bundle's root file system has the container's procfs in it.
        string enter = $"pid=$(sed -n 's/.*\"pid\":\\([0-9]*\\).*/\\1/p'); nsenter -m -t $pid sh -c 'test -d {root}/proc/1 && mount --bind {place.Path}/given {root}/etc/given'";
        place.Bundle.Arguments("cat", "/etc/given").Edit(config => config["hooks"] = new JsonObject { ["createRuntime"] = Hook(enter) });

        Assert.Equal("given by a hook\n", place.RunBundle().Expect());
        Assert.Equal("", File.ReadAllText(place.Bundle.InRoot("etc/given")));
    }

    [RootFact]
    public void Hook_in_the_containers_namespace_begins_in_its_root_and_still_sees_the_host()
    {
        Workplace place = Place(Isolation.Namespaces);
        File.WriteAllText(Path.Combine(place.Path, "given"), "given by a hook\n");
        File.WriteAllText(place.Bundle.InRoot("etc/given"), "");
        place.Bundle.Arguments("cat", "/etc/given").Edit(config => config["hooks"] = new JsonObject
        {
            ["createContainer"] = Hook($"mount --bind {place.Path}/given ./etc/given"),
        });

        Assert.Equal("given by a hook\n", place.RunBundle().Expect());
        Assert.Equal("given by a hook\n", place.RunBundle("--no-pivot").Expect());
        Assert.Equal("", File.ReadAllText(place.Bundle.InRoot("etc/given")));
    }

    [RootFact]
    public void Mounts_of_a_shared_root_with_hooks_stay_inside()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("true").Edit(config =>
        {
            config["linux"]!["rootfsPropagation"] = "shared";
            config["hooks"] = new JsonObject { ["createRuntime"] = Hook($"grep -c {place.Bundle.RootFs} /proc/self/mountinfo >{place.Path}/seen; true") };
        });

        place.RunBundle().Expect();

        Assert.Equal("0\n", File.ReadAllText(Path.Combine(place.Path, "seen")));
    }

    [RootFact]
    public void Signal_that_ended_a_hook_is_told_in_words()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { ["createRuntime"] = Hook("kill -SYS $$") });

        Assert.Contains("signal: bad system call", place.RunBundle().Error);
    }

    private static JsonArray Hook(string script) => [new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", script), ["env"] = new JsonArray("PATH=/usr/bin:/bin") }];
}
