using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>What is particular to containers in virtual machines.</summary>
public sealed class MachineTests : ContainerTest
{
    [VmFact]
    public void Host_network_is_refused_with_the_reason()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("true").Edit(config => Drop(config, "network"));

        CommandResult result = place.RunBundle();

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("network", result.Error);
        Assert.Contains("io.caisson.network", result.Error);
    }

    [VmFact]
    public void Kernel_is_the_machines_and_memory_is_bounded()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("uname -r; nproc; sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").Edit(config => Drop(config, "network"))
            .Edit(config => config["annotations"] = new JsonObject { ["io.caisson.network"] = "none" });

        string[] lines = place.RunBundle().Expect().Split('\n');

        Assert.NotEqual(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), lines[0]);
        Assert.Equal("1", lines[1]);
        Assert.InRange(int.Parse(lines[2]), 100_000, 256 * 1024);
    }

    private static void Drop(JsonObject config, string kind)
    {
        JsonArray namespaces = config["linux"]!["namespaces"]!.AsArray();
        namespaces.Remove(namespaces.First(one => (string)one!["type"]! == kind));
    }
}
