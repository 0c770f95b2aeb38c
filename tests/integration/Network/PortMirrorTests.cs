using System.Net.Sockets;
using System.Text;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Network;

/// <summary>Ports that listen in a virtual machine, on the loopback of its pod's network namespace.</summary>
public sealed class PortMirrorTests : ContainerTest
{
    // More than all buffers on the way hold together.
    private const int ManyBytes = 4 * 1024 * 1024;

    private readonly TestNetwork _network = new();

    protected override void Finish(bool failed) => _network.Dispose();

    [VmFact]
    public void Ports_that_listen_in_the_machine_are_reached_on_the_loopback_of_the_pods_namespace()
    {
        _network.AddInterface("eth0");
        using Socket taken = _network.ListenInPod(7003);
        Workplace place = Place(Isolation.Vm);
        _network.JoinPod(place.Bundle).Writable().Script(
            "echo hello >/index.html; for a in 10.77.0.2:7004 [::1]:7005; do busybox httpd -p $a -h /; done; "
            + "busybox nc -ll -p 7003 -e cat & busybox nc -ll -p 7001 -e cat & echo $! >/gone; echo ready; wait");
        place.Detach().WaitForOutput("ready");

        using (Socket first = Connect(7001))
        {
            Assert.Equal("hello", Echo(first, "hello"));
            using Socket second = Connect(7001);
            Assert.Equal("at the same time", Echo(second, "at the same time"));
            Assert.Equal("still there", Echo(first, "still there"));
        }

        // By the address that a program listens on: IPv6's loopback counts, another of the machine's does not.
        Assert.StartsWith("HTTP/1.", _network.Ask(TestNetwork.PodAddress, 7004, "GET / HTTP/1.0\r\n\r"), StringComparison.Ordinal);
        using (Socket over6 = Connect(7005))
        {
            Assert.Equal("HTTP/1.", Echo(over6, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.".Length));
        }

        Assert.Null(_network.ConnectInPod(7004));
        CarriesEverything();

        // What listens in the namespace itself goes on doing so.
        using (Socket own = _network.ConnectInPod(7003)!)
        using (Socket accepted = taken.Accept())
        {
            accepted.Send("outside"u8);
            Assert.Equal("outside", Read(own, "outside".Length));
        }

        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(supervisor, Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);
        using (Socket again = Connect(7001))
        {
            Assert.Equal("under another supervisor", Echo(again, "under another supervisor"));
        }

        place.Run("exec", place.Id, "sh", "-c", "kill $(cat /gone)").Expect();
        Deadline.Wait("the end of port 7001", () => IsClosed(7001));
        using (Socket other = Connect(7005))
        {
            Assert.Equal("HTTP/1.", Echo(other, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.".Length));
        }

        place.Run("delete", "--force", place.Id).Expect();
        Assert.Null(_network.ConnectInPod(7005));
    }

    private void CarriesEverything()
    {
        byte[] sent = new byte[ManyBytes];
        new Random(1).NextBytes(sent);
        byte[] received = new byte[ManyBytes];
        using Socket socket = Connect(7001);

        // Sent to its end before anything is read, but for what the machine and the ways there cannot hold: the sender waits for the reader.
        var sender = new Thread(() =>
        {
            for (int at = 0; at < sent.Length;)
            {
                at += socket.Send(sent.AsSpan(at));
            }

            socket.Shutdown(SocketShutdown.Send);
        });
        sender.Start();
        int filled = 0;
        while (filled < received.Length && socket.Receive(received.AsSpan(filled)) is > 0 and int count)
        {
            filled += count;
        }

        sender.Join();
        Assert.Equal(ManyBytes, filled);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(0, socket.Receive(received));
    }

    private Socket Connect(int port)
    {
        Socket? socket = null;
        Deadline.Wait($"port {port} in the pod's namespace", () => (socket = _network.ConnectInPod(port)) is not null);
        return socket!;
    }

    private bool IsClosed(int port)
    {
        using Socket? socket = _network.ConnectInPod(port);
        return socket is null;
    }

    private static string Echo(Socket socket, string line, int? length = null)
    {
        socket.Send(Encoding.ASCII.GetBytes(line));
        return Read(socket, length ?? line.Length);
    }

    private static string Read(Socket socket, int length)
    {
        byte[] buffer = new byte[length];
        int filled = 0;
        while (filled < length && socket.Receive(buffer.AsSpan(filled)) is > 0 and int count)
        {
            filled += count;
        }

        return Encoding.ASCII.GetString(buffer, 0, filled);
    }
}
