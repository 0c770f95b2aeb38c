using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>The commands that look at a running container or change its limits.</summary>
public sealed class ManagementTests(SharedContainers containers) : IClassFixture<SharedContainers>
{
    [Theory, Isolations]
    public void List_tells_what_is_there(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        string table = place.Run("list").Expect();
        JsonArray json = JsonNode.Parse(place.Run("list", "--format", "json").Expect())!.AsArray();

        Assert.Equal(place.Id + "\n", place.Run("list", "--quiet").Expect());
        Assert.StartsWith("ID ", table);
        Assert.Contains(place.Id, table);
        JsonObject container = Assert.Single(json)!.AsObject();
        Assert.Equal(place.Id, (string)container["id"]!);
        Assert.Equal("running", (string)container["status"]!);
        Assert.Equal(place.Bundle.Path, (string)container["bundle"]!);
        Assert.Equal(place.Bundle.RootFs, (string)container["rootfs"]!);
        Assert.Equal("root", (string)container["owner"]!);
    }

    [Theory, Isolations]
    public void Table_of_processes_shows_the_workload(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        Assert.Contains("sleep 1000", place.Run("ps", place.Id).Expect());
    }

    [Theory, Isolations]
    public void Pids_in_json_are_those_of_the_host(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        List<int> pids = [.. JsonNode.Parse(place.Run("ps", "--format", "json", place.Id).Expect())!.AsArray().Select(pid => (int)pid!)];

        Assert.Contains((int)place.State()["pid"]!, pids);
        Assert.All(pids, pid => Assert.NotEqual(0, pid));
    }

    [Theory, Isolations]
    public void Statistics_are_printed_in_runcs_form(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        JsonObject stats = JsonNode.Parse(place.Run("events", "--stats", place.Id).Expect())!.AsObject();

        Assert.Equal("stats", (string)stats["type"]!);
        Assert.Equal(place.Id, (string)stats["id"]!);
        Assert.True((ulong)stats["data"]!["cpu"]!["usage"]!["total"]! > 0);
        Assert.True((ulong)stats["data"]!["memory"]!["usage"]!["usage"]! > 0);
    }

    [Theory, Isolations]
    public void Events_come_again_and_again(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        RunningCommand events = place.Start("events", "--interval", "20ms", place.Id);

        Deadline.Wait("three lines of statistics", () => events.Output.Text.Count(c => c == '\n') >= 3, () => events.Output.Text);

        events.Send(Signal.SIGKILL);
        events.CloseInput().Wait();
    }

    [Theory, Isolations]
    public void Limits_can_be_changed(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        place.Run("update", "--memory", "100M", "--pids-limit", "50", place.Id).Expect();

        string limits = place.Run("exec", place.Id, "sh", "-c",
            "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max").Expect();
        Assert.Equal("104857600\n50\n", limits);
    }

    [Theory, Isolations]
    public void Limits_come_from_a_file_or_from_the_input(Isolation isolation)
    {
        Workplace place = containers.In(isolation);
        RunningCommand update = place.Start("update", "--resources", "-", place.Id);

        update.Input.Write("""{"cpu":{"shares":300}}"""u8);

        update.CloseInput().Wait().Expect();
    }

    [Theory, Isolations]
    public void State_of_a_running_container_names_a_living_process(Isolation isolation)
    {
        Workplace place = containers.In(isolation);

        JsonObject state = place.State();

        Assert.Equal("running", (string)state["status"]!);
        Assert.True(ProcessIdentity.TryRead((int)state["pid"]!, out ProcessIdentity init, out _) && init.IsAlive);
    }
}
