using System.Net;
using System.Net.Sockets;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Network;

/// <summary>Names that are resolved by 127.0.0.11 of the pod's namespace, as in Docker's networks.</summary>
public sealed class DnsRelayTests : ContainerTest
{
    private const int HeaderBytes = 12;
    private const int TypeA = 1;

    private readonly TestNetwork _network = new();

    protected override void Finish(bool failed) => _network.Dispose();

    [VmFact]
    public void Names_are_resolved_by_the_resolver_of_the_pods_namespace()
    {
        _network.AddInterface("eth0");
        using Socket resolver = Listen();
        var answering = new Thread(() => Answer(resolver)) { IsBackground = true };
        answering.Start();
        Workplace place = Place(Isolation.Vm);
        string file = Path.Combine(place.Bundle.Path, "resolv.conf");
        File.WriteAllText(file, "search example.org\nnameserver 127.0.0.11\noptions ndots:0\n");
        _network.JoinPod(place.Bundle).Mount("/etc/resolv.conf", "bind", file, "bind", "ro")
            .Script("until busybox nslookup -type=a first.test | busybox grep 192.0.2.7; do :; done; echo resolved; sleep 1000");
        place.Detach().WaitForOutput("resolved");

        int supervisor = MachineProcesses.Find(MachineProcesses.Supervisor);
        MachineProcesses.Signal(supervisor, Caisson.Linux.Signal.SIGKILL);
        MachineProcesses.Find(MachineProcesses.Supervisor, supervisor);
        string seen = "";
        Deadline.Wait(
            "an answer under another supervisor",
            () => (seen = place.Run("exec", place.Id, "busybox", "nslookup", "-type=a", "second.test").Output).Contains("192.0.2.7", StringComparison.Ordinal),
            () => seen);

        place.Run("delete", "--force", place.Id).Expect();
        resolver.Close();
        answering.Join();
    }

    private Socket Listen()
    {
        Socket? socket = null;
        _network.InPod(_ =>
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.11"), 53));
        });
        return socket!;
    }

    // RFC 1035, 4.1: the query's header and question with one answer, which names the question by its place.
    private static void Answer(Socket resolver)
    {
        byte[] query = new byte[512];
        EndPoint asker = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                int length = resolver.ReceiveFrom(query, ref asker);
                int end = Array.IndexOf(query, (byte)0, HeaderBytes, length - HeaderBytes) + 5;
                bool isAddress = query[end - 3] == TypeA;
                byte[] answer =
                [
                    query[0], query[1], 0x81, 0x80, 0, 1, 0, (byte)(isAddress ? 1 : 0), 0, 0, 0, 0, .. query[HeaderBytes..end],
                    .. isAddress ? new byte[] { 0xc0, HeaderBytes, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 } : [],
                ];
                resolver.SendTo(answer, asker);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The test has closed it.
        }
    }
}
