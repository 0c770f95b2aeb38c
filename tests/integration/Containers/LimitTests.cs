using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Limits of a configuration hold.</summary>
public sealed class LimitTests : ContainerTest
{
    [Theory, Isolations]
    public void Workload_that_exceeds_its_memory_is_killed(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("a=x; while :; do a=$a$a; done").Edit(config =>
            config["linux"]!["resources"]!["memory"] = new JsonObject { ["limit"] = 32 << 20, ["swap"] = 32 << 20 });

        CommandResult result = place.RunBundle();

        Assert.Equal(137, result.ExitCode);
    }

    [Theory, Isolations]
    public void Workload_cannot_have_more_processes_than_allowed(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("i=0; while [ $i -lt 30 ]; do sleep 100 & i=$((i+1)); done; echo never").Edit(config =>
            config["linux"]!["resources"]!["pids"] = new JsonObject { ["limit"] = 10 });

        CommandResult result = place.RunBundle();

        Assert.NotEqual(0, result.ExitCode);
        Assert.DoesNotContain("never", result.Output);
        Assert.Contains("can't fork", result.Error);
    }

    [Theory, Isolations]
    public void Running_out_of_memory_is_an_event(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("read line; sh -c 'a=x; while :; do a=$a$a; done'; echo survived; exec sleep 1000").Edit(config =>
            config["linux"]!["resources"]!["memory"] = new JsonObject { ["limit"] = 32 << 20, ["swap"] = 32 << 20 });
        RunningCommand run = place.Detach();
        RunningCommand events = place.Start("events", "--interval", "10ms", place.Id);
        Deadline.Wait("statistics", () => events.Output.Text.Contains("\"stats\"", StringComparison.Ordinal), () => events.Error.Text);

        run.Input.Write("go\n"u8);
        run.Input.Flush();
        run.WaitForOutput("survived");

        events.WaitForOutput("\"oom\"");
        place.Run("delete", "--force", place.Id).Expect();
        Assert.Equal(0, events.CloseInput().WaitForExit());
    }

    [Theory, Isolations]
    public void Lack_of_memory_that_ends_a_container_is_an_event_too(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Script("read line; a=x; while :; do a=$a$a; done").Edit(config =>
            config["linux"]!["resources"]!["memory"] = new JsonObject { ["limit"] = 32 << 20, ["swap"] = 32 << 20 });
        RunningCommand run = place.Detach();
        RunningCommand events = place.Start("events", "--interval", "100ms", place.Id);
        Deadline.Wait("statistics", () => events.Output.Text.Contains("\"stats\"", StringComparison.Ordinal), () => events.Error.Text);

        run.Input.Write("go\n"u8);
        run.Input.Flush();

        CommandResult result = events.CloseInput().Wait();
        Assert.Equal(0, result.ExitCode);
        Assert.Single(result.Output.Split('\n'), new JsonObject { ["type"] = "oom", ["id"] = place.Id }.ToJsonString());
        place.Run("delete", "--force", place.Id).Expect();
    }
}
