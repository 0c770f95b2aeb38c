using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Cri;

/// <summary>Pods by the Container Runtime Interface, as kubelet makes, asks and ends them.</summary>
public sealed class PodTests : CriTest
{
    private const string UntilTerminated = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done";

    [RootTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Containers_of_a_pod_run_and_end_each_by_itself(int count) => RunAndEnd(Isolation.Namespaces, count);

    [VmFact]
    public void Containers_of_a_pod_in_a_machine_run_and_end_each_by_itself() => RunAndEnd(Isolation.Vm, 2);

    [SoakTheory]
    [InlineData(1)]
    [InlineData(5)]
    public void As_many_containers_of_a_pod_in_a_machine_run_and_end_each_by_itself(int count) => RunAndEnd(Isolation.Vm, count);

    private void RunAndEnd(Isolation isolation, int count)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("web");
        string[] containers = [.. Enumerable.Range(0, count).Select(i => pod.Run($"c{i}", UntilTerminated))];

        PodStatus status = node.Client.PodStatus(pod.Id);
        Assert.Equal(PodState.SandboxReady, status.State);
        Assert.Matches(@"^10\.77\.0\.\d+$", status.Network.Ip);
        Assert.Equal(containers.Order(), node.Client.Containers(pod.Id).Select(container => container.Id).Order());
        Assert.All(containers, container => Assert.Equal(ContainerState.ContainerRunning, node.Client.ContainerStatus(container).State));
        Assert.Equal("web\n", pod.Exec(containers[^1], "hostname"));
        foreach ((string container, int i) in containers.Select((container, i) => (container, i)))
        {
            Deadline.Wait("the container's log", () => File.Exists(pod.LogFile($"c{i}")) && pod.Log($"c{i}") == "stdout F ready\n");
            Assert.True(node.Client.ContainerStats(container).Memory.WorkingSet.Value > 0);
        }

        node.Client.StopContainer(containers[0], graceSeconds: 60);
        ContainerStatus ended = node.Client.ContainerStatus(containers[0]);
        Assert.Equal((ContainerState.ContainerExited, 3), (ended.State, ended.ExitCode));
        Assert.Equal("stdout F ready\nstdout F bye\n", pod.Log("c0"));
        Assert.All(containers[1..], container => Assert.Equal(ContainerState.ContainerRunning, node.Client.ContainerStatus(container).State));
        node.Client.RemoveContainer(containers[0]);
        Assert.Equal(count - 1, node.Client.Containers(pod.Id).Count);
        pod.Remove();
    }

    [Theory, Isolations]
    public void Exit_codes_reasons_and_limits_are_reported(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("ends");

        ContainerStatus init = pod.WaitForEnd(pod.Run("init", "echo out; echo err >&2"));
        Assert.Equal((0, "Completed"), (init.ExitCode, init.Reason));
        Assert.Equal("stderr F err\nstdout F out\n", string.Join('\n', pod.Log("init").Split('\n', StringSplitOptions.RemoveEmptyEntries).Order()) + "\n");
        ContainerStatus failed = pod.WaitForEnd(pod.Run("failed", "exit 7"));
        Assert.Equal((7, "Error"), (failed.ExitCode, failed.Reason));
        ContainerStatus killed = pod.WaitForEnd(pod.Run("killed", "sh -c 'kill -9 $$'; exit $?"));
        Assert.Equal((137, "Error"), (killed.ExitCode, killed.Reason));

        string hungry = pod.Run("hungry", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done", config => config.Linux.Resources.MemoryLimit = 16 << 20);
        ContainerStatus starved = pod.WaitForEnd(hungry);
        Assert.Equal((137, "OOMKilled"), (starved.ExitCode, starved.Reason));

        string stubborn = pod.Run("stubborn", "trap '' TERM; while :; do sleep 0.1; done");
        node.Client.StopContainer(stubborn, graceSeconds: 1);
        Assert.Equal(137, node.Client.ContainerStatus(stubborn).ExitCode);

        string missing = pod.Create("missing", ["/no/such/program"]);
        CriException refused = Assert.Throws<CriException>(() => node.Client.StartContainer(missing));
        Assert.Contains("/no/such/program", refused.Message);
        Assert.Contains("no such file or directory", refused.Message);
        Assert.Equal(ContainerState.ContainerExited, node.Client.ContainerStatus(missing).State);

        // The plugin makes a volume's directory that is missing; this one goes after that.
        string volume = Path.Combine(place.Path, "volume");
        string bereft = pod.Create("bereft", ["/bin/true"], config => config.Mounts.Add(new Mount { ContainerPath = "/volume", HostPath = volume }));
        Directory.Delete(volume);
        refused = Assert.Throws<CriException>(() => node.Client.StartContainer(bereft));
        Assert.Contains(volume, refused.Message);
        Assert.Contains("no such file or directory", refused.Message);
        pod.Remove();
    }

    [Theory, Isolations]
    public void Probes_are_run_inside_and_ended_in_time(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("probed");
        string container = pod.Run("main", UntilTerminated);

        ExecSyncReply healthy = node.Client.Exec(container, 10, "/bin/sh", "-c", "echo out; echo err >&2; exit 4");
        Assert.Equal((4, "out\n", "err\n"), (healthy.ExitCode, healthy.Stdout.ToStringUtf8(), healthy.Stderr.ToStringUtf8()));
        CriException late = Assert.Throws<CriException>(() => node.Client.Exec(container, 1, "/bin/sleep", "1000"));
        Assert.Equal(CriException.DeadlineExceeded, late.Code);
        Deadline.Wait("the late probe is gone", () => !pod.Exec(container, "ps").Contains("sleep 1000", StringComparison.Ordinal));
        CriException missing = Assert.Throws<CriException>(() => node.Client.Exec(container, 10, "missing"));
        Assert.Contains("executable file not found", missing.Message);
        node.Client.UpdateContainer(container, new Resources { MemoryLimit = 64 << 20, CpuShares = 512 });
        Assert.Equal("67108864\n", pod.Exec(container, "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"));
        pod.Remove();
    }

    [Theory, Isolations(SoakInMachines = true)]
    public void Containers_share_what_the_pod_says(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("shared", config => config.Linux.Security.Namespaces.Pid = NamespaceMode.Pod);
        string first = pod.Run("first", UntilTerminated);
        string second = pod.Run("second", "echo note >/dev/shm/note; " + UntilTerminated);

        foreach (string kind in (string[])["pid", "ipc", "uts", "net"])
        {
            Assert.Equal(pod.Exec(first, $"readlink /proc/self/ns/{kind}"), pod.Exec(second, $"readlink /proc/self/ns/{kind}"));
        }

        Assert.NotEqual(pod.Exec(first, "readlink /proc/self/ns/mnt"), pod.Exec(second, "readlink /proc/self/ns/mnt"));
        Deadline.Wait("the other's file in the pod's shared memory", () => pod.Exec(first, "cat /dev/shm/note 2>/dev/null || true") == "note\n");
        string processes = pod.Exec(first, "ps");
        Assert.Contains("sleep 100000", processes);
        Assert.Contains("echo note", processes);

        CriPod apart = node.RunPod("apart");
        string alone = apart.Run("alone", UntilTerminated);
        string beside = apart.Run("beside", UntilTerminated);
        Assert.NotEqual(apart.Exec(alone, "readlink /proc/self/ns/pid"), apart.Exec(beside, "readlink /proc/self/ns/pid"));
        Assert.DoesNotContain("sleep 100000", apart.Exec(alone, "ps"));
        pod.Remove();
        apart.Remove();
    }

    [Theory, Isolations]
    public void Files_of_the_pod_follow_their_changes(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        // As kubelet's atomic writer lays a config map out: what is seen is a link through ..data, which is replaced by rename.
        string volume = Path.Combine(place.Path, "config");
        Publish(volume, "..first", "one");
        File.CreateSymbolicLink(Path.Combine(volume, "key"), "..data/key");
        string termination = Path.Combine(place.Path, "termination");
        File.WriteAllText(termination, "");
        CriPod pod = node.RunPod("files", config => config.Dns = new Dns { Servers = { "10.77.0.53" }, Searches = { "cluster.local" } });
        string container = pod.Run("main", UntilTerminated, config =>
        {
            config.Mounts.Add(new Mount { ContainerPath = "/config", HostPath = volume, Readonly = true });
            config.Mounts.Add(new Mount { ContainerPath = "/dev/termination-log", HostPath = termination });
        });

        Deadline.Wait("the trap", () => File.Exists(pod.LogFile("main")) && pod.Log("main") == "stdout F ready\n");
        Assert.Equal("one", pod.Exec(container, "cat /config/key"));
        Publish(volume, "..second", "two");
        if (isolation == Isolation.Vm)
        {
            // A guest asks the host for a link again after a second.
            Deadline.Wait("the changed value", () => pod.Exec(container, "cat /config/key") == "two");
        }

        Assert.Equal("two", pod.Exec(container, "cat /config/key"));
        pod.Exec(container, "echo why >/dev/termination-log");
        Assert.Equal("why\n", File.ReadAllText(termination));
        Assert.Equal("search cluster.local\nnameserver 10.77.0.53\n", pod.Exec(container, "cat /etc/resolv.conf"));
        File.AppendAllText(Path.Combine(place.Path, "containerd/root/io.containerd.grpc.v1.cri/sandboxes", pod.Id, "resolv.conf"), "# later\n");
        Deadline.Wait("the later line", () => pod.Exec(container, "cat /etc/resolv.conf").EndsWith("# later\n", StringComparison.Ordinal));
        Assert.Equal("files\n", pod.Exec(container, "cat /etc/hostname"));

        File.Move(pod.LogFile("main"), pod.LogFile("main") + ".rotated");
        node.Client.ReopenLog(container);
        node.Client.StopContainer(container, graceSeconds: 60);
        Assert.Equal("stdout F bye\n", pod.Log("main"));
        pod.Remove();
    }

    [Theory, Isolations]
    public void Pods_reach_each_other(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod server = node.RunPod("server");
        server.Run("main", "exec nc -ll -p 8080 -e /bin/hostname");
        CriPod client = node.RunPod("client");
        string container = client.Run("main", UntilTerminated);

        Assert.NotEqual(server.Address, client.Address);
        Assert.Contains(" 0% packet loss", client.Exec(container, $"ping -c 1 -W 10 {server.Address}"));
        // The listener starts when it starts.
        Deadline.Wait("the server's answer", () => client.Exec(container, $"nc -w 5 {server.Address} 8080 2>/dev/null || true") == "server\n");
        Assert.Contains(client.Address, client.Exec(container, "ip addr show eth0"));
        Assert.Contains("default via 10.77.0.1", client.Exec(container, "ip route"));
        server.Remove();
        Assert.Single(node.Leases());
        client.Remove();
    }

    private static void Publish(string volume, string name, string value)
    {
        string directory = Path.Combine(volume, name);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "key"), value);
        string beside = Path.Combine(volume, "..data_tmp");
        File.CreateSymbolicLink(beside, name);
        FileCalls.Rename(beside, Path.Combine(volume, "..data"));
    }
}
