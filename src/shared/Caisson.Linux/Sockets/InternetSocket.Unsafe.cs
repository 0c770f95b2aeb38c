using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Caisson.Linux;

/// <summary>A TCP socket in the network namespace of the thread that made it, wherever it is used. Non-blocking.</summary>
public sealed unsafe partial class InternetSocket : StreamSocket
{
    private const int SO_REUSEADDR = 2;
    private const int V4Bytes = 16; // struct sockaddr_in
    private const int V6Bytes = 28; // struct sockaddr_in6

    /// <summary>An empty owner.</summary>
    public InternetSocket()
    {
    }

    /// <summary>Binds and listens. What somebody listens on already is refused, with EADDRINUSE.</summary>
    /// <param name="address">Where.</param>
    /// <param name="port">The port.</param>
    public static InternetSocket Listen(IPAddress address, ushort port)
    {
        InternetSocket socket = Made(address);
        try
        {
            // Connections of an earlier listener that are still closing do not count.
            int yes = 1;
            // SAFETY: the option's value is this frame's int, and its size is given.
            Libc.Check(Libc.setsockopt(socket.Number, Libc.SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(int)), "setsockopt(SO_REUSEADDR)");
            Span<byte> buffer = stackalloc byte[V6Bytes];
            socket.Bind(Fill(buffer, address, port), $"{address} port {port}");
            socket.Listen(DefaultBacklog, $"{address} port {port}");
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes a waiting connection; EAGAIN where there is none.</summary>
    /// <param name="connection">The connection, which is blocking.</param>
    /// <param name="why">The error.</param>
    public bool TryAccept([NotNullWhen(true)] out InternetSocket? connection, out Errno why)
    {
        var accepted = new InternetSocket();
        connection = TryAccept(accepted, null, null, out why) ? accepted : null;
        return connection is not null;
    }

    private Errno BeginConnect(IPAddress address, ushort port)
    {
        Span<byte> buffer = stackalloc byte[V6Bytes];
        ReadOnlySpan<byte> filled = Fill(buffer, address, port);
        fixed (byte* start = filled)
        {
            // SAFETY: the address is pinned for the call, with its own length.
            return Libc.connect(Number, start, (uint)filled.Length) < 0 ? Libc.LastError : Errno.None;
        }
    }

    // Family, port in the network's order, address; for IPv6 with a flow before and a scope behind it.
    private static ReadOnlySpan<byte> Fill(Span<byte> buffer, IPAddress address, ushort port)
    {
        buffer.Clear();
        bool isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        BinaryPrimitives.WriteUInt16LittleEndian(buffer, (ushort)(isV6 ? Libc.AF_INET6 : Libc.AF_INET));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], port);
        _ = address.TryWriteBytes(buffer[(isV6 ? 8 : 4)..], out _);
        return buffer[..(isV6 ? V6Bytes : V4Bytes)];
    }

    private static InternetSocket Made(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var socket = new InternetSocket();
        socket.Open(address.AddressFamily == AddressFamily.InterNetworkV6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK);
        return socket;
    }
}
