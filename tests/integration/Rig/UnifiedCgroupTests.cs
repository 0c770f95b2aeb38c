using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Rig;

/// <summary>Containers from namespaces on a host with cgroup v2 only: every limit as the kernel has it, and what is done to whole cgroups.</summary>
[Collection(RigCollection.Name)]
public sealed class UnifiedCgroupTests(RigMachine rig)
{
    /// <summary>Name, resources, then file and what it must hold; a value that begins with ~ must be among the file's lines.</summary>
    public static TheoryData<string, string, string> Limits => new()
    {
        { "memory", """{"memory":{"limit":67108864}}""", "memory.max=67108864 memory.swap.max=max" },
        { "memory and swap", """{"memory":{"limit":67108864,"swap":100663296}}""", "memory.max=67108864 memory.swap.max=33554432" },
        { "no swap", """{"memory":{"limit":67108864,"swap":67108864}}""", "memory.max=67108864 memory.swap.max=0" },
        { "unlimited memory", """{"memory":{"limit":-1,"swap":-1}}""", "memory.max=max memory.swap.max=max" },
        { "reservation", """{"memory":{"limit":67108864,"reservation":33554432}}""", "memory.max=67108864 memory.low=33554432" },
        { "cpu quota", """{"cpu":{"quota":50000,"period":200000}}""", "cpu.max=50000_200000" },
        { "cpu period alone", """{"cpu":{"period":200000}}""", "cpu.max=max_200000" },
        { "unlimited cpu", """{"cpu":{"quota":-1,"period":100000}}""", "cpu.max=max_100000" },
        { "cpu burst", """{"cpu":{"quota":50000,"period":100000,"burst":20000}}""", "cpu.max=50000_100000 cpu.max.burst=20000" },
        { "least shares", """{"cpu":{"shares":2}}""", "cpu.weight=1" },
        { "default shares", """{"cpu":{"shares":1024}}""", "cpu.weight=100" },
        { "most shares", """{"cpu":{"shares":262144}}""", "cpu.weight=10000" },
        { "idle", """{"cpu":{"idle":1}}""", "cpu.idle=1" },
        { "cpuset", """{"cpu":{"cpus":"0","mems":"0"}}""", "cpuset.cpus=0 cpuset.mems=0 cpuset.cpus.effective=0" },
        { "pids", """{"pids":{"limit":42}}""", "pids.max=42" },
        { "unlimited pids", """{"pids":{"limit":-1}}""", "pids.max=max" },
        { "huge pages", """{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}""", "hugetlb.2MB.max=4194304 hugetlb.2MB.rsvd.max=4194304" },
        { "io weight", """{"blockIO":{"weight":10}}""", "io.weight=default_1" },
        { "most io weight", """{"blockIO":{"weight":1000}}""", "io.weight=default_10000" },
        { "io throttles", """{"blockIO":{"throttleReadBpsDevice":[{"major":7,"minor":0,"rate":1048576}],"throttleWriteIOPSDevice":[{"major":7,"minor":0,"rate":100}]}}""",
            "io.max=7:0_rbps=1048576_wbps=max_riops=max_wiops=100" },
        { "unified", """{"unified":{"memory.high":"50331648","memory.min":"1048576","memory.oom.group":"1","cgroup.max.descendants":"7"}}""",
            "memory.high=50331648 memory.min=1048576 memory.oom.group=1 cgroup.max.descendants=7" },
        { "unified beside others", """{"memory":{"limit":67108864},"unified":{"memory.max":"50331648"}}""", "memory.max=50331648" },
    };

    [VmTheory, MemberData(nameof(Limits))]
    public void Limits_reach_the_kernel(string name, string resources, string files)
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Limit(bundle.Arguments("sleep", "1000"), resources));
        string reads = string.Join("; ", files.Split(' ').Select(file => $"cat /sys/fs/cgroup/caisson-{id}/{file[..file.IndexOf('=')]}"));

        CommandResult result = rig.Shell($"""
            modprobe loop
            [ -b /dev/loop0 ] || mknod /dev/loop0 b 7 0
            caisson run -d --bundle {bundle} {id} </dev/null >/tmp/{id}.log 2>&1 || cat /tmp/{id}.log >&2
            {reads}
            caisson delete --force {id}
            [ ! -e /sys/fs/cgroup/caisson-{id} ] || echo left behind
            """);

        string expected = string.Concat(files.Split(' ').Select(file => file[(file.IndexOf('=') + 1)..].Replace('_', ' ') + "\n"));
        Assert.True(expected == result.Output, $"{name}: {result}");
    }

    /// <summary>What update is told, and the file afterwards. All start with the same limits.</summary>
    public static TheoryData<string, string> Updates => new()
    {
        { "--memory 33554432", "memory.max=33554432 memory.swap.max=max cpu.max=50000_100000 pids.max=20" },
        { "--memory 33554432 --memory-swap 67108864", "memory.max=33554432 memory.swap.max=33554432" },
        { "--memory-reservation 16777216", "memory.low=16777216 memory.max=67108864" },
        { "--cpu-quota 30000", "cpu.max=30000_100000" },
        { "--cpu-period 200000", "cpu.max=50000_200000" },
        { "--cpu-quota -1", "cpu.max=max_100000" },
        { "--cpu-share 512", "cpu.weight=59" },
        { "--cpuset-cpus 0", "cpuset.cpus=0" },
        { "--pids-limit 10", "pids.max=10" },
        { "--pids-limit -1", "pids.max=max" },
        { "--blkio-weight 500", "io.weight=default_4950" },
    };

    [VmFact]
    public void Updates_reach_the_kernel_and_leave_the_rest()
    {
        foreach (ITheoryDataRow row in Updates)
        {
            (string flags, string files) = ((string)row.GetData()[0]!, (string)row.GetData()[1]!);
            string id = rig.NextId();
            string bundle = rig.Bundle(id, bundle => Limit(
                bundle.Arguments("sleep", "1000"), """{"memory":{"limit":67108864},"cpu":{"quota":50000,"period":100000},"pids":{"limit":20}}"""));
            string reads = string.Join("; ", files.Split(' ').Select(file => $"cat /sys/fs/cgroup/caisson-{id}/{file[..file.IndexOf('=')]}"));

            CommandResult result = rig.Shell($"""
                caisson run -d --bundle {bundle} {id} </dev/null >/tmp/{id}.log 2>&1 || cat /tmp/{id}.log >&2
                caisson update {flags} {id}
                {reads}
                caisson delete --force {id}
                """);

            string expected = string.Concat(files.Split(' ').Select(file => file[(file.IndexOf('=') + 1)..].Replace('_', ' ') + "\n"));
            Assert.True(expected == result.Output, $"update {flags}: {result}");
        }
    }

    /// <summary>Device rules, and what may then be opened: null (always), kmsg 1:11, loop0 7:0, tty0 4:0.</summary>
    public static TheoryData<string, string> DeviceRules => new()
    {
        { """[]""", "null" },
        { """[{"allow":false,"access":"rwm"}]""", "null" },
        { """[{"allow":true,"access":"rwm"}]""", "null kmsg kmsg-write loop0" },
        { """[{"allow":true,"access":"rwm"},{"allow":false,"type":"c","major":1,"minor":11,"access":"rwm"}]""", "null loop0" },
        { """[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":11,"access":"r"}]""", "null kmsg" },
        { """[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"access":"rw"}]""", "null kmsg kmsg-write" },
        { """[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","access":"rw"}]""", "null kmsg kmsg-write" },
        { """[{"allow":false,"access":"rwm"},{"allow":true,"type":"b","access":"r"}]""", "null loop0" },
        { """[{"allow":false,"access":"rwm"},{"allow":true,"type":"b","major":7,"minor":0,"access":"rwm"},{"allow":false,"type":"b","major":7,"access":"r"}]""", "null" },
    };

    [VmTheory, MemberData(nameof(DeviceRules))]
    public void Device_rules_are_a_program_of_the_cgroup(string rules, string open)
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle =>
        {
            Limit(bundle, $$"""{"devices":{{rules}}}""");
            bundle.Edit(config =>
            {
                config["linux"]!["devices"] = JsonNode.Parse("""
                    [{"path":"/dev/kmsg","type":"c","major":1,"minor":11,"fileMode":438},{"path":"/dev/loop0","type":"b","major":7,"minor":0,"fileMode":438}]
                    """);
                foreach (string set in (string[])["bounding", "effective", "permitted"])
                {
                    config["process"]!["capabilities"]![set]!.AsArray().Add("CAP_SYSLOG");
                }
            });
            bundle.Script("""
                (exec 3</dev/null) 2>/dev/null && printf 'null '
                (exec 3</dev/kmsg) 2>/dev/null && printf 'kmsg '
                (exec 3>/dev/kmsg) 2>/dev/null && printf 'kmsg-write '
                (exec 3</dev/loop0) 2>/dev/null && printf 'loop0 '
                exit 0
                """);
        });

        CommandResult result = rig.Shell($"modprobe loop; caisson run --bundle {bundle} {id} </dev/null");

        Assert.True(result.Output.Trim() == open, $"{rules}: {result}");
    }

    [VmFact]
    public void Processes_are_frozen_and_thawed_and_killed_together()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => bundle.Script("sleep 1001 & setsid sleep 1002 & sleep 1003"));

        string[] lines = rig.Shell($"""
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            until [ $(pgrep -c -f 'sleep 100[123]') = 3 ]; do :; done
            caisson pause {id}; grep frozen /sys/fs/cgroup/caisson-{id}/cgroup.events; caisson state {id} | grep -o paused
            caisson exec {id} true; echo $?
            caisson resume {id}; grep frozen /sys/fs/cgroup/caisson-{id}/cgroup.events; caisson state {id} | grep -o running
            caisson pause {id}
            caisson delete --force {id}; echo $?
            pgrep -c -f 'sleep 100[123]'
            ls -d /sys/fs/cgroup/caisson-{id} 2>&1
            """).Output.TrimEnd().Split('\n');

        Assert.Equal(["frozen 1", "paused", "255", "frozen 0", "running", "0", "0", $"ls: cannot access '/sys/fs/cgroup/caisson-{id}': No such file or directory"], lines);
    }

    [VmFact]
    public void Without_a_pid_namespace_the_cgroup_ends_all()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => bundle.Script("sleep 1011 & sleep 1012 & exec sleep 1013").Edit(WithoutNamespace("pid")));

        string[] lines = rig.Shell($"""
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            until [ $(pgrep -c -f 'sleep 101[123]') = 3 ]; do :; done
            caisson kill --all {id} KILL
            until caisson state {id} | grep -q stopped; do :; done
            until [ $(pgrep -c -f 'sleep 101[123]') = 0 ]; do :; done
            caisson delete {id}; echo $?
            """).Output.TrimEnd().Split('\n');

        Assert.Equal(["0"], lines);
    }

    [VmTheory]
    [InlineData("ro", true, "0::/|ro|no")]
    [InlineData("rw", true, "0::/|rw|yes")]
    [InlineData("ro", false, "0::/caisson-{id}|ro|no")]
    public void Cgroups_are_mounted_as_configured(string mode, bool ownNamespace, string expected)
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle =>
        {
            bundle.Script("""
                printf '%s|' "$(cat /proc/self/cgroup)"
                mount | grep -o 'cgroup2 (r[ow]' | sed 's/.*(//' | tr '\n' '|'
                mkdir /sys/fs/cgroup/below 2>/dev/null && rmdir /sys/fs/cgroup/below && echo yes || echo no
                """);
            bundle.Edit(config =>
            {
                JsonArray mounts = config["mounts"]!.AsArray();
                mounts.Remove(mounts.First(mount => (string?)mount!["type"] == "cgroup"));
                if (ownNamespace)
                {
                    config["linux"]!["namespaces"]!.AsArray().Add(new JsonObject { ["type"] = "cgroup" });
                }
            });
            bundle.Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", mode);
        });

        CommandResult result = rig.Shell($"caisson run --bundle {bundle} {id} </dev/null");

        Assert.True(expected.Replace("{id}", id, StringComparison.Ordinal) == result.Output.Trim(), $"{result}");
    }

    [VmFact]
    public void Running_out_of_memory_is_an_event_and_usage_is_told()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Limit(
            bundle.Script("until [ -e /tmp/go ]; do sleep 0.1; done; tail /dev/zero; sleep 1000"), """{"memory":{"limit":16777216,"swap":16777216},"pids":{"limit":10}}""")
            .Mount("/tmp", "tmpfs", "tmpfs"));

        CommandResult result = rig.Shell($"""
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            caisson events --stats {id}
            caisson events --interval 100s {id} >/tmp/{id}.events & events=$!
            caisson exec {id} touch /tmp/go
            for i in $(seq 200); do grep -q oom /tmp/{id}.events && break; sleep 0.1; done
            grep -o '"type":"oom"' /tmp/{id}.events | head -1
            kill $events
            caisson delete --force {id}
            """);

        string[] lines = result.Output.TrimEnd().Split('\n');
        JsonNode stats = JsonNode.Parse(lines[0])!["data"]!;
        Assert.Equal(16777216, (long)stats["memory"]!["usage"]!["limit"]!);
        Assert.InRange((long)stats["memory"]!["usage"]!["usage"]!, 4096, 16777216);
        Assert.Equal(10, (long)stats["pids"]!["limit"]!);
        Assert.InRange((long)stats["pids"]!["current"]!, 1, 10);
        Assert.InRange((long)stats["cpu"]!["usage"]!["total"]!, 1, long.MaxValue);
        Assert.Equal("\"type\":\"oom\"", lines[^1]);
    }

    [VmFact]
    public void Exec_follows_init_out_of_a_cgroup_that_has_passed_controllers_on()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle =>
        {
            bundle.Script("""
                mkdir /sys/fs/cgroup/init && echo 1 >/sys/fs/cgroup/init/cgroup.procs && echo +pids >/sys/fs/cgroup/cgroup.subtree_control && touch /tmp/ready; sleep 1000
                """);
            bundle.Edit(config =>
            {
                JsonArray mounts = config["mounts"]!.AsArray();
                mounts.Remove(mounts.First(mount => (string?)mount!["type"] == "cgroup"));
                config["linux"]!["namespaces"]!.AsArray().Add(new JsonObject { ["type"] = "cgroup" });
            });
            bundle.Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "rw").Mount("/tmp", "tmpfs", "tmpfs");
        });

        CommandResult result = rig.Shell($"""
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            for i in $(seq 100); do caisson exec {id} test -e /tmp/ready 2>/dev/null && break; sleep 0.1; done
            caisson exec {id} cat /proc/self/cgroup
            caisson delete --force {id}
            ls -d /sys/fs/cgroup/caisson-{id} 2>/dev/null
            """);

        Assert.True(result.Output == "0::/init\n", $"{result}");
    }

    /// <summary>What cgroup v2 cannot do is refused by name, not ignored.</summary>
    [VmTheory]
    [InlineData("""{"network":{"classID":1048577}}""", "network.classID and network.priorities need cgroup v1")]
    [InlineData("""{"unified":{"memory.nonsense":"1"}}""", "memory.nonsense")]
    [InlineData("""{"unified":{"../cgroup.procs":"1"}}""", "must be a file name")]
    [InlineData("""{"memory":{"swap":67108864}}""", "while memory has none")]
    [InlineData("""{"rdma":{"mlx5_1":{"hcaHandles":3}}}""", "rdma.max")]
    public void What_cannot_be_limited_is_an_error(string resources, string message)
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => Limit(bundle.Arguments("true"), resources));

        CommandResult result = rig.Shell($"caisson run --bundle {bundle} {id} </dev/null; ls -d /sys/fs/cgroup/caisson-{id} 2>/dev/null; true");

        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }

    private static Bundle Limit(Bundle bundle, string resources) => bundle.Edit(config => config["linux"]!["resources"] = JsonNode.Parse(resources));

    private static Action<JsonObject> WithoutNamespace(string type) => config =>
    {
        JsonArray namespaces = config["linux"]!["namespaces"]!.AsArray();
        namespaces.Remove(namespaces.First(entry => (string?)entry!["type"] == type));
    };
}
