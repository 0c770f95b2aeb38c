using Caisson.Harness;
using Caisson.IntegrationTests.Containerd;

namespace Caisson.IntegrationTests.Pods;

/// <summary>A pod under containerd, without the CRI plugin: its annotations and namespaces are given to ctr.</summary>
public sealed class ShimPodTests : ContainerTest
{
    private static readonly string[] s_forever = ["/bin/sh", "-c", "echo ready; while :; do sleep 1000; done"];

    private ContainerdDaemon? _containerd;

    [VmFact]
    public void Annotations_bring_a_container_into_its_pods_machine()
    {
        Workplace place = Place(Isolation.Vm);
        ContainerdDaemon containerd = _containerd = ContainerdDaemon.Start(place);
        string[] image = [.. containerd.RunFlags, ContainerdDaemon.Image];
        string[] pod = ["--annotation", $"io.kubernetes.cri.sandbox-id={place.Id}"];
        containerd.Run(["run", "--detach", .. pod, "--annotation", "io.kubernetes.cri.container-type=sandbox", .. image, place.Id, .. s_forever]).Expect();
        int shim = ContainerdDaemon.Shim();
        string first = PidOf(place.Id);
        string[] further =
        [
            "run", "--detach", .. pod, "--annotation", "io.kubernetes.cri.container-type=container",
            "--with-ns", $"network:/proc/{first}/ns/net", "--with-ns", $"ipc:/proc/{first}/ns/ipc", "--with-ns", $"uts:/proc/{first}/ns/uts",
        ];
        string two = $"{place.Id}-two";
        string three = $"{place.Id}-three";
        containerd.Run([.. further, .. image, two, .. s_forever]).Expect();
        containerd.Run([.. further, .. image, three, "/bin/sh", "-c", "exit 3"]).Expect();

        Assert.Equal(Facts(place.Id, "1"), Facts(two, "2"));
        Assert.Equal(shim, ContainerdDaemon.Shim());
        Deadline.Wait("the end of one", () => IsStopped(three));
        Assert.Contains("exit code 3\"", containerd.Run("tasks", "delete", three).Error);

        // containerd removes the first container last; if it does not, the others have ended all the same.
        containerd.Run("tasks", "kill", "--signal", "SIGKILL", place.Id).Expect();
        Deadline.Wait("the end of the first", () => IsStopped(place.Id));
        Assert.Equal("alive", containerd.Run("tasks", "exec", "--exec-id", "3", two, "echo", "alive").Expect().Trim());
        Assert.Contains("exit code 137\"", containerd.Run("tasks", "delete", place.Id).Error);
        Deadline.Wait("the end of the other", () => IsStopped(two));
        Assert.Contains("exit code 137\"", containerd.Run("tasks", "delete", two).Error);
        foreach (string id in (string[])[place.Id, two, three])
        {
            containerd.Run("containers", "delete", id).Expect();
        }

        string Facts(string id, string exec) => containerd.Run(
            "tasks", "exec", "--exec-id", exec, id, "/bin/sh", "-c", "cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; readlink /proc/self/ns/net").Expect();
        string PidOf(string id) => Line(id).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        bool IsStopped(string id) => Line(id).Contains("STOPPED", StringComparison.Ordinal);
        string Line(string id) => containerd.Run("tasks", "list").Expect().Split('\n').Single(line => line.Split(' ')[0] == id);
    }

    protected override void Finish(bool failed) => _containerd?.Finish(failed);
}
