using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Caisson.Linux;

/// <summary>Who sent a datagram of IPv4.</summary>
/// <param name="Address">Four bytes, as in memory.</param>
/// <param name="Port">The port.</param>
public readonly record struct DatagramPeer(uint Address, ushort Port);

/// <summary>A TCP or UDP socket in the network namespace of the thread that made it, wherever it is used. Non-blocking.</summary>
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
        InternetSocket socket = Made(address, Libc.SOCK_STREAM);
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

    /// <summary>Binds a socket for datagrams.</summary>
    /// <param name="address">Where, of IPv4.</param>
    /// <param name="port">The port.</param>
    public static InternetSocket BindDatagram(IPAddress address, ushort port)
    {
        InternetSocket socket = Made(address, Libc.SOCK_DGRAM);
        try
        {
            Span<byte> buffer = stackalloc byte[V6Bytes];
            socket.Bind(Fill(buffer, address, port), $"{address} port {port}");
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a socket for datagrams to one place, and from there alone.</summary>
    /// <param name="address">The place.</param>
    /// <param name="port">Its port.</param>
    public static InternetSocket ConnectDatagram(IPAddress address, ushort port)
    {
        InternetSocket socket = Made(address, Libc.SOCK_DGRAM);
        Errno why = socket.BeginConnect(address, port);
        if (why != Errno.None)
        {
            socket.Dispose();
            throw new SyscallException($"connect({address} port {port})", why);
        }

        return socket;
    }

    /// <summary>Receives a datagram of IPv4, without waiting.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="length">The datagram's; more than the buffer's where its end was lost.</param>
    /// <param name="sender">Who sent it.</param>
    /// <param name="why">EAGAIN where there is none.</param>
    public bool TryReceiveFrom(Span<byte> buffer, out int length, out DatagramPeer sender, out Errno why)
    {
        byte* address = stackalloc byte[V4Bytes];
        new Span<byte>(address, V4Bytes).Clear();
        uint addressLength;
        nint result;
        do
        {
            addressLength = V4Bytes;
            fixed (byte* start = buffer)
            {
                // SAFETY: the buffer is pinned for the call; the address is this frame's, with its size.
                result = Libc.recvfrom(Number, start, (nuint)buffer.Length, Libc.MSG_DONTWAIT | Libc.MSG_TRUNC, address, &addressLength);
            }
        }
        while (result < 0 && Libc.LastError == Errno.EINTR);
        why = result < 0 ? Libc.LastError : Errno.None;
        length = (int)Math.Max(result, 0);

        // SAFETY: this frame's 16 bytes.
        var bytes = new ReadOnlySpan<byte>(address, V4Bytes);
        sender = new DatagramPeer(BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
        return result >= 0;
    }

    /// <summary>Sends a datagram of IPv4, without waiting.</summary>
    /// <param name="bytes">The datagram.</param>
    /// <param name="receiver">Where to.</param>
    /// <param name="why">The error.</param>
    public bool TrySendTo(ReadOnlySpan<byte> bytes, DatagramPeer receiver, out Errno why)
    {
        byte* address = stackalloc byte[V4Bytes];
        var filled = new Span<byte>(address, V4Bytes);
        filled.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(filled, Libc.AF_INET);
        BinaryPrimitives.WriteUInt16BigEndian(filled[2..], receiver.Port);
        BinaryPrimitives.WriteUInt32LittleEndian(filled[4..], receiver.Address);
        nint result;
        fixed (byte* start = bytes)
        {
            // SAFETY: the datagram is pinned for the call; the address is this frame's, with its size.
            result = Libc.sendto(Number, start, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL, address, V4Bytes);
        }

        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
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

    private static InternetSocket Made(IPAddress address, int type)
    {
        ArgumentNullException.ThrowIfNull(address);
        var socket = new InternetSocket();
        socket.Open(address.AddressFamily == AddressFamily.InterNetworkV6 ? Libc.AF_INET6 : Libc.AF_INET, type | Libc.SOCK_NONBLOCK);
        return socket;
    }
}
