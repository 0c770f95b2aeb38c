using System.Globalization;
using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>A machine is bounded on the host by what its configuration says, so that a guest that ignores its limits gains nothing.</summary>
public sealed class HostBoundTests : ContainerTest
{
    [VmFact]
    public void Limits_of_the_configuration_hold_for_the_machine()
    {
        Assert.SkipUnless(Directory.Exists("/sys/fs/cgroup/cpu"), "reads files of cgroup v1");
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("sleep", "1000").Edit(config => config["linux"]!["resources"] = new JsonObject
        {
            ["cpu"] = new JsonObject { ["quota"] = 20_000, ["period"] = 100_000, ["cpus"] = "0" },
            ["pids"] = new JsonObject { ["limit"] = 10 },
            ["memory"] = new JsonObject { ["swappiness"] = 7 },
            ["blockIO"] = new JsonObject { ["weight"] = 0, ["throttleReadBpsDevice"] = new JsonArray(Throttle(1 << 20)) },
        });
        place.Detach().CloseInput();

        Assert.Equal("70000", Read(place, "cpu", "cpu.cfs_quota_us"));
        Assert.Equal("2048", Read(place, "pids", "pids.max"));
        Assert.Equal("0", Read(place, "cpuset", "cpuset.cpus"));
        Assert.Equal("7", Read(place, "memory", "memory.swappiness"));
        Assert.EndsWith(" 1048576", Read(place, "blkio", "blkio.throttle.read_bps_device"));

        place.Run("update", "--cpu-quota", "30000", place.Id).Expect();

        Assert.Equal("80000", Read(place, "cpu", "cpu.cfs_quota_us"));
        Assert.Equal("30000 100000\n10\n", place.Run("exec", place.Id, "cat", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/pids.max").Expect());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void Huge_pages_are_limited_by_the_guests_kernel()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Arguments("cat", "/sys/fs/cgroup/hugetlb.2MB.max").Edit(config => config["linux"]!["resources"] = new JsonObject
        {
            ["hugepageLimits"] = new JsonArray(
                new JsonObject { ["pageSize"] = "2MB", ["limit"] = 4 << 20 },
                new JsonObject { ["pageSize"] = "64KB", ["limit"] = 0 }),
        });

        Assert.Equal("4194304\n", place.RunBundle().Expect());
    }

    [VmFact]
    public void A_limit_that_no_machine_honours_is_refused_by_name()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Edit(config => config["linux"]!["resources"]!["network"] = new JsonObject { ["classID"] = 5 });

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("linux.resources.network.classID", result.Error);
    }

    private static JsonObject Throttle(int rate)
    {
        string[] disk = File.ReadAllLines("/proc/partitions")[2].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new JsonObject
        {
            ["major"] = int.Parse(disk[0], CultureInfo.InvariantCulture),
            ["minor"] = int.Parse(disk[1], CultureInfo.InvariantCulture),
            ["rate"] = rate,
        };
    }

    private static string Read(Workplace place, string controller, string file) =>
        File.ReadAllText($"/sys/fs/cgroup/{controller}/caisson-{place.Id}/{file}").TrimEnd('\n');
}
