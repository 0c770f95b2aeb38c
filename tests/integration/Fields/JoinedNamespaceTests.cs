using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Fields;

/// <summary>Namespaces that a configuration joins by their paths, and processes that exec starts.</summary>
public sealed class JoinedNamespaceTests : ContainerTest
{
    private static readonly (string Type, string File)[] s_kinds =
        [("cgroup", "cgroup"), ("ipc", "ipc"), ("network", "net"), ("pid", "pid"), ("time", "time"), ("user", "user"), ("uts", "uts")];

    [RootFact]
    public void Every_kind_of_namespace_can_be_joined()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo ready; while :; do sleep 1; done").Edit(static config =>
        {
            config["linux"]!["namespaces"] = new JsonArray([.. s_kinds.Select(static kind => (JsonNode)new JsonObject { ["type"] = kind.Type }), new JsonObject { ["type"] = "mount" }]);
            config["linux"]!["uidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":100000,"size":1000}]""");
            config["linux"]!["gidMappings"] = JsonNode.Parse("""[{"containerID":0,"hostID":100000,"size":1000}]""");
        });
        RunningCommand first = place.Detach();
        first.WaitForOutput("ready");
        int pid = (int)place.State()["pid"]!;
        Bundle second = place.AnotherBundle("second").Script("cd /proc/self/ns; for n in cgroup ipc net pid time user uts; do readlink $n; done").Edit(config =>
        {
            config["linux"]!["namespaces"] = new JsonArray([.. s_kinds.Select(kind => (JsonNode)new JsonObject { ["type"] = kind.Type, ["path"] = $"/proc/{pid}/ns/{kind.File}" }), new JsonObject { ["type"] = "mount" }]);
            config.Remove("hostname");
        });

        string seen = place.Run("run", "--bundle", second.Path, place.Name + "-second").Expect();

        Assert.Equal(s_kinds.Select(kind => File.ResolveLinkTarget($"/proc/{pid}/ns/{kind.File}", false)!.Name), seen.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Exec_runs_on_the_processors_that_its_process_names()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo ready; while :; do sleep 1; done");
        place.Detach().WaitForOutput("ready");
        string process = Path.Combine(place.Path, "process.json");
        JsonObject wanted = place.Bundle.Process.DeepClone().AsObject();
        wanted["args"] = new JsonArray("sh", "-c", "sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status");
        wanted["execCPUAffinity"] = new JsonObject { ["initial"] = "0-1", ["final"] = "1" };
        File.WriteAllText(process, wanted.ToJsonString());

        Assert.Equal("1\n", place.Run("exec", "--process", process, place.Id).Expect());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Exec_of_a_process_that_breaks_a_rule_is_refused_by_its_field()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo ready; while :; do sleep 1; done");
        place.Detach().WaitForOutput("ready");
        string process = Path.Combine(place.Path, "process.json");
        JsonObject wanted = place.Bundle.Process.DeepClone().AsObject();
        wanted["ioPriority"] = new JsonObject { ["class"] = "IOPRIO_CLASS_BE", ["priority"] = 9 };
        File.WriteAllText(process, wanted.ToJsonString());

        CommandResult result = place.Run("exec", "--process", process, place.Id);

        Assert.Equal(255, result.ExitCode);
        Assert.Contains("ioPriority.priority", result.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [VmFact]
    public void Shared_memory_in_a_machine_is_as_large_as_the_engines()
    {
        Workplace place = Place(Isolation.Vm);
        string directory = Path.Combine(place.Path, "shm");
        Directory.CreateDirectory(directory);
        Linux.MountCalls.Mount("shm", directory, "tmpfs", Linux.MountFlags.None, "size=3m");
        try
        {
            place.Bundle.Script("grep ' /dev/shm ' /proc/mounts | grep -o size=[0-9]*k").Edit(config =>
            {
                JsonArray mounts = config["mounts"]!.AsArray();
                mounts.Remove(mounts.First(static mount => (string)mount!["destination"]! == "/dev/shm"));
            }).Mount("/dev/shm", "bind", directory, "rbind");

            Assert.Equal("size=3072k\n", place.RunBundle().Expect());
        }
        finally
        {
            _ = Linux.MountCalls.TryUnmount(directory, Linux.UnmountFlags.MNT_DETACH, out _);
        }
    }
}
