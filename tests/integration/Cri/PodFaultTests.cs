using Caisson.Harness;
using Caisson.IntegrationTests.Containerd;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Cri;

/// <summary>Pods when something under them fails or dies: a clear word, and nothing left.</summary>
public sealed class PodFaultTests : CriTest
{
    private const string UntilTerminated = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done";

    [Theory, Isolations]
    public void Network_that_fails_is_named_and_leaves_nothing(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place, WritePlugin(place, "failing", """[ "$CNI_COMMAND" != ADD ] || { echo '{"cniVersion":"0.4.0","code":11,"msg":"no address for you"}'; exit 1; }"""));

        CriException refused = Assert.Throws<CriException>(() => node.RunPod("web"));

        Assert.Contains("no address for you", refused.Message);
        node.RequireEmpty();
    }

    [Theory, Isolations]
    public void Network_namespace_that_vanished_is_named_and_leaves_nothing(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place, WritePlugin(place, "vanishing", """[ "$CNI_COMMAND" != ADD ] || { /bin/busybox umount -l "$CNI_NETNS"; /bin/busybox rm "$CNI_NETNS"; }"""));

        CriException refused = Assert.Throws<CriException>(() => node.RunPod("web"));

        Assert.Contains("netns/cni-", refused.Message);
        Assert.Contains("no such file or directory", refused.Message);
    }

    [Theory, Isolations(SoakInMachines = true)]
    public void Pods_outlive_containerd_and_are_found_again(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("web");
        string volume = Path.Combine(place.Path, "volume");
        Directory.CreateDirectory(volume);
        string ending = pod.Run(
            "ending", "while ! test -e /volume/end; do sleep 0.05; done; exit 4", config => config.Mounts.Add(new Mount { ContainerPath = "/volume", HostPath = volume }));
        string container = pod.Run("main", "echo ready; while :; do echo beat; sleep 0.05; done");
        string address = pod.Address;
        int shim = ContainerdDaemon.Shim();

        int task = TaskPid(node, ending);
        node.Containerd.Restart(() =>
        {
            File.WriteAllText(Path.Combine(volume, "end"), "");
            Deadline.Wait("the end of a container that nobody watches", () => !Directory.Exists($"/proc/{task}"));
        });
        Deadline.Wait("the network is known again", node.Client.IsReady);

        Assert.Equal(shim, ContainerdDaemon.Shim());
        Assert.Equal((PodState.SandboxReady, address), (node.Client.PodStatus(pod.Id).State, pod.Address));
        Assert.Equal(4, pod.WaitForEnd(ending).ExitCode);
        Assert.Equal("inside\n", pod.Exec(container, "echo inside"));
        int lines = pod.Log("main").Split('\n').Length;
        Deadline.Wait("the log goes on", () => pod.Log("main").Split('\n').Length > lines);
        node.Client.StopContainer(container, graceSeconds: 0);
        Assert.Equal(137, node.Client.ContainerStatus(container).ExitCode);
        pod.Remove();
    }

    [Theory, Isolations(SoakInMachines = true)]
    public void Killed_shim_ends_its_pod_and_no_other(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("lost");
        int shim = ContainerdDaemon.Shim();
        string[] containers = [pod.Run("one", UntilTerminated), pod.Run("two", UntilTerminated)];
        CriPod other = node.RunPod("other");
        string beside = other.Run("main", UntilTerminated);

        MachineProcesses.Signal(shim, Signal.SIGKILL);

        // The code of the clean-up, or where the plugin itself saw the shim go first, its word for "unknown" (pkg/cri/server, unknownExitCode).
        Assert.All(containers, container => Assert.Contains(pod.WaitForEnd(container).ExitCode, (int[])[137, 255]));
        Deadline.Wait("the pod is not ready", () => node.Client.PodStatus(pod.Id).State == PodState.SandboxNotready);
        Assert.Equal("inside\n", other.Exec(beside, "echo inside"));
        pod.Remove();
        other.Remove();
    }

    [Theory, Isolations(SoakInMachines = true)]
    public void Killed_pause_container_ends_the_pod(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("paused");
        string container = pod.Run("main", UntilTerminated);

        MachineProcesses.Signal(TaskPid(node, pod.Id), Signal.SIGKILL);

        Deadline.Wait("the pod is not ready", () => node.Client.PodStatus(pod.Id).State == PodState.SandboxNotready);
        CriException refused = Assert.Throws<CriException>(() => pod.Create("late", ["/bin/true"]));
        Assert.Contains("no running task", refused.Message);
        if (isolation == Isolation.Vm)
        {
            // containerd deletes the task, and the machine goes with the container that it was made for.
            Assert.Equal(137, pod.WaitForEnd(container).ExitCode);
        }
        else
        {
            Assert.Equal(ContainerState.ContainerRunning, node.Client.ContainerStatus(container).State);
        }

        pod.Remove();
    }

    private static int TaskPid(CriNode node, string container)
    {
        string line = node.Containerd.Run("tasks", "list").Expect().Split('\n').Single(line => line.StartsWith(container, StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    // A chained plugin gives on what the one before it has found, which comes as prevResult (CNI specification, section 4).
    private static string WritePlugin(Workplace place, string name, string script)
    {
        Directory.CreateDirectory(CriNode.Plugins(place));
        string file = Path.Combine(CriNode.Plugins(place), name);
        File.WriteAllText(file, $"""
            #!/bin/sh
            config=$(/bin/busybox cat)
            {script}
            [ "$CNI_COMMAND" != ADD ] || echo "$config" | /bin/busybox sed 's/.*"prevResult"://; s/,"type":"{name}".*//'
            """);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return name;
    }
}
