using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Pods;

/// <summary>What Kubernetes gives to a pod's containers as files, its size, and its life without a process.</summary>
public sealed class PodFilesTests : ContainerTest
{
    private string? _memory;

    [VmFact]
    public void Files_of_a_pod_follow_the_host_and_memory_is_shared()
    {
        Workplace place = Place(Isolation.Vm);
        var pod = new Pod(place);
        _memory = Path.Combine("/dev/shm", place.Name);
        Directory.CreateDirectory(_memory);
        string hosts = Path.Combine(place.Path, "hosts");
        File.WriteAllText(hosts, "127.0.0.1 one\n");
        string log = Path.Combine(place.Path, "termination-log");
        File.WriteAllText(log, "");
        string volume = Path.Combine(place.Path, "config");
        Project(volume, "..first", "old");
        place.Bundle.Script("echo ready; exec sleep 1000").Mount("/dev/shm", "bind", _memory, "rbind", "ro").Edit(config =>
        {
            RemoveOwnMemory(config);
            config["annotations"] = new JsonObject
            {
                ["io.kubernetes.cri.container-type"] = "sandbox",
                ["io.kubernetes.cri.sandbox-id"] = place.Id,
                ["io.kubernetes.cri.sandbox-cpu-quota"] = "200000",
                ["io.kubernetes.cri.sandbox-cpu-period"] = "100000",
                ["io.kubernetes.cri.sandbox-memory"] = (128L << 20).ToString(),
            };
        });
        place.Detach().WaitForOutput("ready");
        foreach (string name in (string[])["two", "three"])
        {
            Bundle bundle = pod.Bundle(name, "echo ready; exec sleep 1000", Pod.Shared).Mount("/dev/shm", "bind", _memory, "rbind", "rw").Edit(RemoveOwnMemory)
                .Mount("/etc/hosts", "bind", hosts, "rbind", "rw")
                .Mount("/mnt/log", "bind", log, "rbind", "rw")
                .Mount("/mnt/config", "bind", volume, "rbind", "ro")
                .Writable();
            pod.Start(name, bundle).WaitForOutput("ready");
        }

        // The size is the pod's, not that of its first container, which has no limits.
        Assert.Equal(Math.Min(2, Environment.ProcessorCount).ToString(), pod.In("two", "nproc"));
        Assert.InRange(int.Parse(pod.In("two", "sed -n 's/MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")), 300_000, 384 * 1024);

        pod.In("two", "echo shared >/dev/shm/file");
        Assert.Equal("shared", pod.In("three", "cat /dev/shm/file"));
        Assert.Equal("shared", pod.In(null, "cat /dev/shm/file"));
        Assert.NotEqual(0, place.Run("exec", place.Id, "sh", "-c", "echo x >/dev/shm/other").ExitCode);

        Assert.Equal("127.0.0.1 one", pod.In("two", "cat /etc/hosts"));
        File.WriteAllText(hosts, "127.0.0.1 one\n127.0.0.2 and another\n");
        Deadline.Wait("the new hosts", () => pod.In("two", "cat /etc/hosts").EndsWith("another", StringComparison.Ordinal));
        pod.In("three", "echo the end >/mnt/log");
        Assert.Equal("the end\n", File.ReadAllText(log));

        // As kubelet does: a new directory, and a link to it that takes the old one's place.
        Assert.Equal("old", pod.In("two", "cat /mnt/config/key"));
        Project(volume, "..second", "new");
        Deadline.Wait("the new configuration", () => pod.In("two", "cat /mnt/config/key") == "new" && pod.In("three", "cat /mnt/config/key") == "new");

        // A pod's sandbox waits for whatever comes next, until it is deleted.
        foreach (string id in (string[])[pod.Id("two"), pod.Id("three")])
        {
            place.Run("delete", "--force", id).Expect();
        }

        int first = pod.First;
        place.Run("kill", place.Id, "KILL").Expect();
        Assert.Equal(137, Orphans.WaitForExit(first).Code);
        Assert.NotNull(MachineProcesses.TryFind(MachineProcesses.Hypervisor));
        place.Run("delete", place.Id).Expect();
        Assert.Null(MachineProcesses.TryFind(MachineProcesses.Hypervisor));
    }

    protected override void Finish(bool failed)
    {
        if (_memory is not null)
        {
            Directory.Delete(_memory, recursive: true);
        }
    }

    private static void RemoveOwnMemory(JsonObject config)
    {
        JsonArray mounts = config["mounts"]!.AsArray();
        mounts.Remove(mounts.Single(mount => (string)mount!["destination"]! == "/dev/shm" && (string)mount["type"]! == "tmpfs"));
    }

    // A projected volume's layout: files are links through "..data", which is a link to the directory of the present version.
    private static void Project(string volume, string version, string value)
    {
        string directory = Path.Combine(volume, version);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "key"), value);
        string next = Path.Combine(volume, "..data_tmp");
        File.CreateSymbolicLink(next, version);
        if (File.Exists(Path.Combine(volume, "key")))
        {
            Linux.FileCalls.Rename(next, Path.Combine(volume, "..data"));
            return;
        }

        Linux.FileCalls.Rename(next, Path.Combine(volume, "..data"));
        File.CreateSymbolicLink(Path.Combine(volume, "key"), "..data/key");
    }
}
