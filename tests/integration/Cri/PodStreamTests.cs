using Caisson.Harness;

namespace Caisson.IntegrationTests.Cri;

/// <summary>What kubectl streams: exec, attach and port-forward, through containerd's streaming server.</summary>
public sealed class PodStreamTests : CriTest
{
    [Theory, Isolations]
    public void Exec_carries_three_streams_and_the_exit_code(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("exec");
        string container = pod.Run("main", "exec sleep 1000");

        using (var stream = PodStream.Open(node, node.Client.ExecUrl(new ExecRequest
        {
            ContainerId = container,
            Cmd = { "/bin/sh", "-c", "echo err >&2; while read line; do echo got $line; [ $line = two ] && exit 6; done" },
            Stdin = true,
            Stdout = true,
            Stderr = true,
        })))
        {
            stream.WaitFor(PodStream.Error, "err\n");
            stream.Send(PodStream.Input, "one\n");
            stream.WaitFor(PodStream.Output, "got one\n");
            stream.Send(PodStream.Input, "two\n");
            stream.WaitFor(PodStream.Output, "got two\n");
            stream.WaitFor(PodStream.End, "exit code 6");
        }

        using (var stream = PodStream.Open(node, node.Client.ExecUrl(new ExecRequest
        {
            ContainerId = container,
            Cmd = { "/bin/sh", "-c", "tty; read line; echo got $line" },
            Stdin = true,
            Stdout = true,
            Tty = true,
        })))
        {
            stream.WaitFor(PodStream.Output, "/dev/pts/");
            stream.Send(PodStream.Input, "word\n");
            stream.WaitFor(PodStream.Output, "got word");
            stream.WaitFor(PodStream.End, "Success");
        }

        pod.Remove();
    }

    [Theory, Isolations(SoakInMachines = true)]
    public void Attach_reaches_the_main_process(Isolation isolation)
    {
        Workplace place = Place(isolation);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("attach");
        string container = pod.Run("main", "while read line; do echo got $line; [ $line = end ] && exit 5; done", config => config.Stdin = true);

        using (var stream = PodStream.Open(node, node.Client.AttachUrl(new AttachRequest { ContainerId = container, Stdin = true, Stdout = true, Stderr = true })))
        {
            stream.Send(PodStream.Input, "one\n");
            stream.WaitFor(PodStream.Output, "got one\n");
            stream.Send(PodStream.Input, "end\n");
            Assert.Equal(5, pod.WaitForEnd(container).ExitCode);
        }

        Assert.Equal("stdout F got one\nstdout F got end\n", pod.Log("main"));
        pod.Remove();
    }

    [RootFact]
    public void Port_of_the_pod_is_forwarded()
    {
        Workplace place = Place(Isolation.Namespaces);
        CriNode node = Node(place);
        CriPod pod = node.RunPod("forward");
        string container = pod.Run("main", "echo ready; exec nc -ll -p 8080 -e /bin/sh -c 'read line; echo got $line'");
        Deadline.Wait("the listener", () => pod.Exec(container, "netstat -ltn").Contains(":8080", StringComparison.Ordinal));

        using (var stream = PodStream.Open(node, node.Client.PortForwardUrl(pod.Id, 8080)))
        {
            stream.Send(PodStream.Input, "word\n");
            stream.WaitFor(PodStream.Input, "got word\n");
        }

        pod.Remove();
    }
}
