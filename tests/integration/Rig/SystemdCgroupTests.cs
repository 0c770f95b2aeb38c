using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Rig;

/// <summary>Cgroups by way of systemd: what systemd and the kernel each know of them, and that nothing is left in either.</summary>
[Collection(RigCollection.Name)]
public sealed class SystemdCgroupTests(RigMachine rig)
{
    private const string Resources = """
        {"memory":{"limit":67108864,"reservation":33554432,"swap":100663296},"cpu":{"shares":512,"quota":25000,"period":100000,"cpus":"0"},
         "pids":{"limit":30},"unified":{"memory.high":"50331648"}}
        """;

    [VmFact]
    public void A_scope_holds_the_container_with_the_same_limits_in_systemd_and_in_the_kernel()
    {
        string id = rig.NextId();
        string scope = $"/sys/fs/cgroup/caisson.slice/caisson-rig.slice/test-{id}.scope";
        string bundle = rig.Bundle(id, bundle => Place(bundle.Arguments("sleep", "1000"), $"caisson-rig.slice:test:{id}", Resources));
        const string Show = "systemctl show -p ActiveState,Slice,Delegate,ControlGroup,MemoryMax,MemoryHigh,MemoryLow,MemorySwapMax,CPUWeight,CPUQuotaPerSecUSec,TasksMax,AllowedCPUs";

        CommandResult result = rig.Shell($"""
            caisson --systemd-cgroup run -d --pid-file /tmp/{id}.pid --bundle {bundle} {id} </dev/null >/tmp/{id}.log 2>&1 || cat /tmp/{id}.log >&2
            {Show} test-{id}.scope | sort
            cat /proc/$(cat /tmp/{id}.pid)/cgroup
            systemctl daemon-reload
            cd {scope}; head -n 1 memory.max memory.high memory.low memory.swap.max cpu.weight cpu.max pids.max cpuset.cpus | grep -v '^$'
            caisson exec {id} cat /proc/self/cgroup; cd /
            caisson --systemd-cgroup delete --force {id}
            {Gone($"test-{id}.scope", scope)}
            """);

        Assert.True(
            $"""
            ActiveState=active
            AllowedCPUs=0
            CPUQuotaPerSecUSec=250ms
            CPUWeight=59
            ControlGroup=/caisson.slice/caisson-rig.slice/test-{id}.scope
            Delegate=yes
            MemoryHigh=50331648
            MemoryLow=33554432
            MemoryMax=67108864
            MemorySwapMax=33554432
            Slice=caisson-rig.slice
            TasksMax=30
            0::/caisson.slice/caisson-rig.slice/test-{id}.scope
            ==> memory.max <==
            67108864
            ==> memory.high <==
            50331648
            ==> memory.low <==
            33554432
            ==> memory.swap.max <==
            33554432
            ==> cpu.weight <==
            59
            ==> cpu.max <==
            25000 100000
            ==> pids.max <==
            30
            ==> cpuset.cpus <==
            0
            0::/caisson.slice/caisson-rig.slice/test-{id}.scope
            inactive
            not-found

            """ == result.Output,
            $"{result}");
    }

    [VmFact]
    public void An_update_reaches_systemd_and_the_kernel()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Place(bundle.Arguments("sleep", "1000"), $":test:{id}", Resources));

        CommandResult result = rig.Shell($"""
            caisson --systemd-cgroup run -d --bundle {bundle} {id} </dev/null >/tmp/{id}.log 2>&1 || cat /tmp/{id}.log >&2
            caisson update --memory 50331648 --memory-swap 50331648 --pids-limit 20 --cpu-quota -1 --cpu-share 1024 {id}
            systemctl show -p MemoryMax,MemorySwapMax,TasksMax,CPUQuotaPerSecUSec,CPUWeight,MemoryLow test-{id}.scope | sort
            systemctl daemon-reload
            cd /sys/fs/cgroup/system.slice/test-{id}.scope; cat memory.max memory.swap.max pids.max cpu.max cpu.weight memory.low; cd /
            caisson pause {id}; caisson state {id} | grep -o paused; caisson resume {id}
            caisson kill {id} KILL; until caisson state {id} | grep -q stopped; do :; done
            caisson delete {id}
            {Gone($"test-{id}.scope", $"/sys/fs/cgroup/system.slice/test-{id}.scope")}
            """);

        Assert.True(
            """
            CPUQuotaPerSecUSec=infinity
            CPUWeight=100
            MemoryLow=33554432
            MemoryMax=50331648
            MemorySwapMax=0
            TasksMax=20
            50331648
            0
            20
            max 100000
            100
            33554432
            paused
            inactive
            not-found

            """ == result.Output,
            $"{result}");
    }

    [VmTheory]
    [InlineData("", "/sys/fs/cgroup/system.slice/caisson-{id}.scope")]
    [InlineData(":docker:{id}", "/sys/fs/cgroup/system.slice/docker-{id}.scope")]
    [InlineData("user.slice::{id}", "/sys/fs/cgroup/user.slice/{id}.scope")]
    [InlineData("-.slice:top:{id}", "/sys/fs/cgroup/top-{id}.scope")]
    [InlineData("system.slice::rig{id}.slice", "/sys/fs/cgroup/rig{id}.slice")]
    public void A_unit_is_where_its_name_says_and_gone_after_the_run(string cgroupsPath, string directory)
    {
        string id = rig.NextId();
        directory = directory.Replace("{id}", id, StringComparison.Ordinal);
        string bundle = rig.Bundle(id, bundle => Place(bundle.Script("cat /proc/self/cgroup"), cgroupsPath.Replace("{id}", id, StringComparison.Ordinal), "{}"));

        CommandResult result = rig.Shell($"""
            caisson --systemd-cgroup run --bundle {bundle} {id} </dev/null
            {Gone(Path.GetFileName(directory), directory)}
            """);

        Assert.True(result.Output.Contains($"{directory["/sys/fs/cgroup".Length..]}\ninactive\nnot-found\n", StringComparison.Ordinal), $"{result}");
    }

    [VmTheory]
    [InlineData("/some/path", "slice:prefix:name")]
    [InlineData("nonsense:test:x", "is not the name of a systemd slice")]
    [InlineData("a--b.slice:test:x", "is not the name of a systemd slice")]
    [InlineData("system.slice:a/b:x", "is not the name of a systemd unit")]
    public void What_names_no_unit_is_refused(string cgroupsPath, string message)
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Place(bundle.Arguments("true"), cgroupsPath, "{}"));

        CommandResult result = rig.Shell($"caisson --systemd-cgroup run --bundle {bundle} {id} </dev/null");

        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [VmFact]
    public void Neither_a_failed_nor_a_killed_creation_leaves_a_unit()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Place(bundle.Arguments("/nonexistent"), $":test:{id}", "{}"));
        string hanging = rig.Bundle(id + "h", bundle => Place(bundle.Arguments("true"), $":test:{id}h", "{}").Edit(config =>
            config["hooks"] = new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/sleep", ["args"] = new JsonArray("sleep", "1021") }) }));

        CommandResult result = rig.Shell($"""
            caisson --systemd-cgroup run --bundle {bundle} {id} </dev/null 2>/tmp/{id}.err; echo $?; grep -v 'no such file' /tmp/{id}.err >&2
            {Gone($"test-{id}.scope", $"/sys/fs/cgroup/system.slice/test-{id}.scope")}
            caisson --systemd-cgroup create --bundle {hanging} {id}h </dev/null >/dev/null 2>&1 & create=$!
            until pgrep -f 'sleep 102[1]' >/dev/null; do :; done
            systemctl is-active test-{id}h.scope
            kill -9 $create; pkill -f 'sleep 102[1]'
            caisson delete --force {id}h; echo $?
            {Gone($"test-{id}h.scope", $"/sys/fs/cgroup/system.slice/test-{id}h.scope")}
            """);

        Assert.True("1\ninactive\nnot-found\nactive\n0\ninactive\nnot-found\n" == result.Output, $"{result}");
    }

    [VmFact]
    public void Without_a_bus_systemd_itself_is_asked()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Place(bundle.Script("cat /proc/self/cgroup"), $":test:{id}", "{}"));

        CommandResult result = rig.Shell($"""
            mv /run/dbus/system_bus_socket /run/dbus/away
            caisson --systemd-cgroup run --bundle {bundle} {id} </dev/null
            mv /run/dbus/away /run/dbus/system_bus_socket
            """);

        Assert.True($"0::/system.slice/test-{id}.scope\n" == result.Output, $"{result}");
    }

    private static Bundle Place(Bundle bundle, string cgroupsPath, string resources) => bundle.Edit(config =>
    {
        config["linux"]!["cgroupsPath"] = cgroupsPath;
        config["linux"]!["resources"] = JsonNode.Parse(resources);
    });

    // Prints "inactive", "not-found" (every slice can be loaded), and the directory if it is still there.
    private static string Gone(string unit, string directory) =>
        $"systemctl is-active {unit}; {(unit.EndsWith(".slice", StringComparison.Ordinal) ? "echo not-found" : $"systemctl show -p LoadState --value {unit}")}; ls -d {directory} 2>/dev/null; true";
}

/// <summary>The same where there is no systemd: most test machines.</summary>
public sealed class NoSystemdTests : ContainerTest
{
    [RootTheory]
    [InlineData(Isolation.Namespaces)]
    [InlineData(Isolation.Vm)]
    public void Where_systemd_does_not_run_its_cgroups_are_refused(Isolation isolation)
    {
        Assert.SkipWhen(Directory.Exists("/run/systemd/system"), "systemd runs on this host");
        Workplace place = Place(isolation);

        CommandResult result = place.Run("--systemd-cgroup", "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("systemd not running on this host, cannot use systemd cgroups manager", result.Error, StringComparison.Ordinal);
    }
}
