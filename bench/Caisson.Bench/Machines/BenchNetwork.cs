using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>Network namespaces of a measurement. They exist by this object's descriptors alone, and so does everything in them.</summary>
internal sealed class BenchNetwork : IDisposable
{
    private const string PeerAddress = "10.79.0.1";
    private const string GuestAddress = "10.79.0.2";
    private const int Port = 7000;
    private const int PrefixLength = 24;

    private readonly NamespaceFd _peer = New();
    private readonly NamespaceFd? _pod;
    private readonly Socket _listener;

    private BenchNetwork(bool hasPod, Action<BenchNetwork, RouteSocket> connect)
    {
        _pod = hasPod ? New() : null;
        _listener = In(_peer, route =>
        {
            connect(this, route);
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Parse(PeerAddress), Port));
            listener.Listen();
            return listener;
        });
    }

    /// <summary>The hand-made TAP's only queue.</summary>
    internal FileFd? Tap { get; private set; }

    /// <summary>Where a configuration finds the pod's namespace.</summary>
    internal string PodPath => string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{_pod!.Number}");

    /// <summary>A pod's namespace, joined to the peer's by a veth pair, as a CNI plugin does it.</summary>
    internal static BenchNetwork OfPod() => new(hasPod: true, static (network, route) =>
    {
        route.CreateVeth("peer0", "eth0", network._pod);
        Configure(route, "peer0", PeerAddress);
        _ = In(network._pod!, static pod =>
        {
            Configure(pod, "eth0", GuestAddress);
            return true;
        });
    });

    /// <summary>A TAP that has the peer's address itself.</summary>
    internal static BenchNetwork OfTap() => new(hasPod: false, static (network, route) =>
    {
        network.Tap = NetworkDevices.OpenTap("tap0", TapOptions.Tap | TapOptions.NoPacketInformation | TapOptions.VirtioHeader, out _);
        Configure(route, "tap0", PeerAddress);
    });

    internal Socket Accept()
    {
        if (!_listener.Poll(TimeSpan.FromMinutes(1), SelectMode.SelectRead))
        {
            throw new BenchException("the guest has not connected within a minute");
        }

        return _listener.Accept();
    }

    public void Dispose()
    {
        _listener.Dispose();
        Tap?.Dispose();
        _peer.Dispose();
        _pod?.Dispose();
    }

    private static void Configure(RouteSocket route, string name, string address)
    {
        int link = route.FindLink(name).Index;
        route.SetUp(link);
        route.AddAddress(new NetworkAddress(link, IPAddress.Parse(address), PrefixLength));
    }

    private static T In<T>(NamespaceFd network, Func<RouteSocket, T> work) => NamespaceCalls.InNetwork(network, () =>
    {
        using RouteSocket route = RouteSocket.Open();
        return work(route);
    });

    // On a thread that ends: this one stays where it is.
    private static NamespaceFd New()
    {
        NamespaceFd? made = null;
        var thread = new Thread(() =>
        {
            NamespaceCalls.Unshare(NamespaceKinds.Network);
            LoopbackInterface.BringUp();
            made = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        });
        thread.Start();
        thread.Join();
        return made!;
    }
}
