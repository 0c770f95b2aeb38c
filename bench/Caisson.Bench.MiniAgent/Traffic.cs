using System.Net;
using Caisson.Linux;

namespace Caisson.Bench.MiniAgent;

/// <summary>
/// One end of a TCP connection that carries bytes one way, as fast as they go: the same program in a container of Caisson's and in the bare
/// machine.
/// </summary>
internal static class Traffic
{
    internal const string GuestAddress = "10.79.0.2";
    private const string PeerAddress = "10.79.0.1";
    private const ushort Port = 7000;
    private const int PrefixLength = 24;
    private const long Bytes = 64L * 1024 * 1024;
    private const int ChunkBytes = 64 * 1024;

    internal static int Run(string direction)
    {
        byte[] chunk = new byte[ChunkBytes];
        using InternetSocket peer = InternetSocket.ConnectAsync(IPAddress.Parse(PeerAddress), Port, EventLoop.Shared, CancellationToken.None)
            .AsTask().GetAwaiter().GetResult();
        if (direction == "receive")
        {
            while (peer.Read(chunk) > 0)
            {
                // Until the end.
            }

            return 0;
        }

        for (long sent = 0; sent < Bytes; sent += chunk.Length)
        {
            peer.Write(chunk);
        }

        peer.Shutdown(ShutdownSide.Write);

        // The peer closes when it has everything.
        return peer.Read(chunk);
    }

    /// <summary>The bare machine's only card.</summary>
    internal static void SetUp()
    {
        using RouteSocket route = RouteSocket.Open();
        foreach (NetworkLink link in route.Links())
        {
            if (link.IsEthernet)
            {
                route.SetUp(link.Index);
                route.AddAddress(new NetworkAddress(link.Index, IPAddress.Parse(GuestAddress), PrefixLength));
                return;
            }
        }

        throw new InvalidOperationException("the machine has no network card");
    }
}
