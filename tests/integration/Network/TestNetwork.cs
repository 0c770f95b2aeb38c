using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Network;

/// <summary>
/// A pod's network namespace and, on the other end of a veth pair, a peer's. Both exist only by this object's descriptors, and so does
/// everything in them.
/// </summary>
internal sealed class TestNetwork : IDisposable
{
    internal const string PodAddress = "10.77.0.2";
    internal const string PeerAddress = "10.77.0.1";
    internal const string PodAddress6 = "fd77::2";
    internal const string PeerAddress6 = "fd77::1";

    private static readonly TimeSpan s_connectPatience = TimeSpan.FromSeconds(10);

    private readonly NamespaceFd _pod = New();
    private readonly NamespaceFd _peer = New();

    /// <summary>Where a configuration finds the pod's namespace.</summary>
    internal string PodPath => PathOf(_pod);

    /// <summary>The network namespace among a configuration's namespaces.</summary>
    internal static JsonObject Of(JsonObject config) =>
        config["linux"]!["namespaces"]!.AsArray().Select(static one => one!.AsObject()).First(static one => (string)one["type"]! == "network");

    /// <summary>Puts a container into the pod's namespace.</summary>
    internal Bundle JoinPod(Bundle bundle) => bundle.Edit(config => Of(config)["path"] = PodPath);

    /// <summary>Makes a veth pair with addresses of both families on it.</summary>
    /// <param name="name">The pod's end.</param>
    /// <param name="network">The third number of the addresses.</param>
    /// <param name="mtu">Of both ends.</param>
    internal void AddInterface(string name, int network = 0, int mtu = 1500)
    {
        InPod(route => route.CreateVeth(name, $"peer{network}", _peer));
        InPod(route => Configure(route, name, network, 2, mtu));
        InPeer(route => Configure(route, $"peer{network}", network, 1, mtu));
    }

    /// <summary>Makes a pair of interfaces in the peer's namespace; the hardware address of the first is returned.</summary>
    internal string MakePairInPeer(string name, string other)
    {
        string address = "";
        InPeer(route =>
        {
            route.CreateVeth(name, other);
            route.SetUp(route.FindLink(other).Index);
            address = string.Join(':', route.FindLink(name).HardwareAddress.Select(static one => one.ToString("x2")));
        });
        return address;
    }

    internal void InPod(Action<RouteSocket> work) => Inside(_pod, work);

    internal void InPeer(Action<RouteSocket> work) => Inside(_peer, work);

    /// <summary>How many TAPs of ours are in the pod's namespace.</summary>
    internal int Taps()
    {
        int taps = 0;
        InPod(route => taps = route.Links().Count(static link => link.Name.EndsWith("_caisson", StringComparison.Ordinal)));
        return taps;
    }

    /// <summary>The namespace has its interfaces back: no TAP, no redirection.</summary>
    internal void RequireClear() => InPod(route =>
    {
        foreach (NetworkLink link in route.Links())
        {
            Assert.DoesNotContain("caisson", link.Name, StringComparison.Ordinal);
            Assert.False(route.HasIngressFilters(link.Index), $"{link.Name} still has filters");
            if (link.Kind == "veth")
            {
                // There is a place for one: nobody holds it.
                route.AddIngress(link.Index);
                route.DeleteIngress(link.Index);
            }
        }
    });

    /// <summary>A socket of the peer that listens.</summary>
    internal Socket Listen(string address, int port)
    {
        Socket? socket = null;
        InPeer(_ =>
        {
            var endPoint = new IPEndPoint(IPAddress.Parse(address), port);
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(endPoint);
            socket.Listen();
        });
        return socket!;
    }

    /// <summary>Sends a line from the peer, and reads what comes back; waits for somebody to listen.</summary>
    internal string Ask(string address, int port, string line)
    {
        string answer = "";
        Deadline.Wait($"an answer of {address}, port {port}", () => (answer = TryAsk(address, port, line)).Length > 0);
        return answer;
    }

    /// <summary>A connection within the pod's namespace to its own loopback, as CRI's port-forward makes it; null where it is refused.</summary>
    internal Socket? ConnectInPod(int port)
    {
        Socket? connected = null;
        InPod(_ =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
                socket.SendTimeout = socket.ReceiveTimeout = (int)Deadline.Patience.TotalMilliseconds;
                connected = socket;
            }
            catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
            {
                socket.Dispose();
            }
        });
        return connected;
    }

    /// <summary>A socket that listens on the pod's loopback, outside of the machine.</summary>
    internal Socket ListenInPod(int port)
    {
        Socket? socket = null;
        InPod(_ =>
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
        });
        return socket!;
    }

    /// <summary>Starts a program in the peer's namespace.</summary>
    internal CommandResult InPeer(Workplace place, params string[] arguments) =>
        place.StartProgram("/usr/bin/nsenter", [$"--net={PathOf(_peer)}", .. arguments]).CloseInput().Wait();

    public void Dispose()
    {
        _pod.Dispose();
        _peer.Dispose();
    }

    private static string PathOf(NamespaceFd ns) => ns.ProcPath.Replace("self", $"{Environment.ProcessId}", StringComparison.Ordinal);

    private string TryAsk(string address, int port, string line)
    {
        string answer = "";
        InPeer(_ =>
        {
            var endPoint = new IPEndPoint(IPAddress.Parse(address), port);
            using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SendTimeout = socket.ReceiveTimeout = (int)s_connectPatience.TotalMilliseconds;
            try
            {
                socket.Connect(endPoint);
                socket.Send(System.Text.Encoding.ASCII.GetBytes(line + "\n"));
                byte[] read = new byte[256];
                answer = System.Text.Encoding.ASCII.GetString(read, 0, socket.Receive(read)).TrimEnd();
            }
            catch (SocketException)
            {
                // Nobody listens yet.
            }
        });
        return answer;
    }

    private static void Configure(RouteSocket route, string name, int network, int host, int mtu)
    {
        LoopbackInterface.BringUp();
        int link = route.FindLink(name).Index;
        route.SetMtu(link, mtu);
        SmallFile.Write($"/proc/sys/net/ipv6/conf/{name}/accept_dad", "0");
        route.SetUp(link);
        const byte WithoutDetection = 2; // IFA_F_NODAD
        route.AddAddress(new NetworkAddress(link, IPAddress.Parse($"10.77.{network}.{host}"), 24));
        route.AddAddress(new NetworkAddress(link, IPAddress.Parse($"fd77:{(network == 0 ? "" : $"{network}:")}:{host}"), 64, Flags: WithoutDetection));
    }

    private static NamespaceFd New()
    {
        NamespaceFd? made = null;
        OnThread(() =>
        {
            NamespaceCalls.Unshare(NamespaceKinds.Network);
            made = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        });
        return made!;
    }

    private static void Inside(NamespaceFd ns, Action<RouteSocket> work) => OnThread(() =>
    {
        ns.Join(NamespaceKinds.Network);
        using RouteSocket route = RouteSocket.Open();
        work(route);
    });

    // A thread that ends afterwards: none of the pool's is ever in a stranger's namespace.
    private static void OnThread(Action work)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                work();
            }
#pragma warning disable CA1031 // Thrown again on the test's thread.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(thrown);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
