using System.Net.Sockets;

namespace Caisson.UnitTests.Ttrpc;

/// <summary>Two ends of a real unix stream socket.</summary>
internal static class SocketPair
{
    internal static (NetworkStream Left, NetworkStream Right) Create()
    {
        (Socket left, Socket right) = CreateSockets();
        return (new NetworkStream(left, ownsSocket: true), new NetworkStream(right, ownsSocket: true));
    }

    internal static (Socket Left, Socket Right) CreateSockets()
    {
        // The abstract namespace leaves no file behind.
        var address = new UnixDomainSocketEndPoint($"\0caisson-test-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen(1);
        var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        left.Connect(address);
        return (left, listener.Accept());
    }
}
