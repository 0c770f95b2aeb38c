using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Hardening;

/// <summary>Hooks that fail, or hang beyond their timeout: the command says which, the state stays true, and nothing remains.</summary>
public sealed class HookFaultTests : ContainerTest
{
    public static TheoryData<Isolation, string> BeforeStart => Both("prestart", "createRuntime", "createContainer", "startContainer");

    [Theory, MemberData(nameof(BeforeStart))]
    public void Hook_that_fails_ends_it_and_nothing_remains(Isolation isolation, string kind)
    {
        Workplace place = RequiredPlace(isolation);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { [kind] = Hook("/bin/sh", "sh", "-c", "echo no such luck >&2; exit 3") });

        CommandResult result = place.RunBundle();

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(kind, result.Error);
        Assert.Contains("no such luck", result.Error);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    // The hook waits in a child of its own: what is killed is all of it.
    [Theory, MemberData(nameof(BeforeStart))]
    public void Hook_that_hangs_is_killed_with_its_children_when_its_time_is_over(Isolation isolation, string kind)
    {
        Workplace place = RequiredPlace(isolation);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { [kind] = Hook("/bin/sh", "sh", "-c", $"sleep 1000; echo {place.Id}") });

        CommandResult result = place.RunBundle();

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("timeout of 1s", result.Error);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    [Theory, Isolations]
    public void Poststart_hook_that_hangs_ends_the_container(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("sleep", "1000").Edit(config => config["hooks"] = new JsonObject { ["poststart"] = Hook("/bin/sh", "sh", "-c", "sleep 1000; true") });
        place.Create().CloseInput();

        CommandResult start = place.Run("start", place.Id);

        Assert.Equal(1, start.ExitCode);
        Assert.Contains("poststart", start.Error);
        place.WaitForStatus("stopped");
        place.Run("delete", place.Id).Expect();
    }

    [Theory, Isolations]
    public void Poststop_hook_that_hangs_does_not_keep_the_container(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { ["poststop"] = Hook("/bin/sh", "sh", "-c", "sleep 1000; true") });

        CommandResult result = place.RunBundle();

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("poststop", result.Error);
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    // While a hook hangs, who only looks is answered, and who would change something is told in the end.
    [RootFact]
    public void Hook_that_hangs_blocks_nobody_who_only_looks()
    {
        Workplace place = Place(Isolation.Namespaces);
        string mark = Path.Combine(place.Path, "hooking");
        place.Bundle.Arguments("true").Edit(config => config["hooks"] = new JsonObject { ["createRuntime"] = Hook(3, "/bin/sh", "sh", "-c", $"touch {mark}; sleep 1000; true") });
        RunningCommand create = place.Start("create", "--bundle", place.Bundle.Path, place.Id).CloseInput();
        Deadline.Wait("the hook", () => File.Exists(mark));

        Assert.Contains("still being created", place.Run("state", place.Id).Error);
        _ = place.Run("list").Expect();
        Assert.False(create.HasExited);
        Assert.Equal(1, create.Wait().ExitCode);
        Assert.Contains("does not exist", place.Run("state", place.Id).Error);
    }

    private static JsonArray Hook(string path, params string[] arguments) => Hook(1, path, arguments);

    private static JsonArray Hook(int seconds, string path, params string[] arguments) =>
    [
        new JsonObject
        {
            ["path"] = path,
            ["args"] = new JsonArray([.. arguments.Select(argument => (JsonNode)argument)]),
            ["env"] = new JsonArray("PATH=/usr/bin:/bin"),
            ["timeout"] = seconds,
        },
    ];

    private static TheoryData<Isolation, string> Both(params string[] kinds)
    {
        var data = new TheoryData<Isolation, string>();
        foreach (string kind in kinds)
        {
            data.Add(Isolation.Namespaces, kind);
        }

        data.Add(Isolation.Vm, "createRuntime");
        return data;
    }

    private Workplace RequiredPlace(Isolation isolation)
    {
        bool able = isolation == Isolation.Vm ? Host.CanBootMachines : Host.CanMakeContainers;
        Assert.SkipUnless(able, Host.WhyNoMachines ?? "needs root");
        return Place(isolation);
    }
}
