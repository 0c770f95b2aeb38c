using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Caisson.Linux;

/// <summary>Where a vsock(7) socket is: a machine and a port.</summary>
/// <param name="ContextId">The machine.</param>
/// <param name="Port">The port.</param>
public readonly record struct VsockAddress(uint ContextId, uint Port);

/// <summary>A vsock(7) stream socket, between a virtual machine and its host.</summary>
public sealed unsafe partial class VsockSocket : StreamSocket
{
    /// <summary>Any context of this machine, to listen.</summary>
    public const uint AnyContext = uint.MaxValue;

    /// <summary>This machine itself, where loopback is loaded.</summary>
    public const uint LocalContext = 1;

    /// <summary>The host, seen from a guest.</summary>
    public const uint HostContext = 2;

    private const int AddressBytes = 16; // struct sockaddr_vm

    /// <summary>An empty owner.</summary>
    public VsockSocket()
    {
    }

    /// <summary>Takes ownership of an inherited or received socket.</summary>
    /// <param name="number">A valid vsock socket that nothing else owns.</param>
    public static VsockSocket FromNumber(int number)
    {
        var socket = new VsockSocket();
        socket.Adopt(number);
        return socket;
    }

    /// <summary>Binds a port and listens.</summary>
    /// <param name="port">The port.</param>
    /// <param name="contextId">The context.</param>
    /// <param name="backlog">How many connections may wait.</param>
    public static VsockSocket Listen(uint port, uint contextId = AnyContext, int backlog = DefaultBacklog) => Made(socket =>
    {
        Span<byte> address = stackalloc byte[AddressBytes];
        Fill(address, contextId, port);
        socket.Bind(address, $"vsock port {port}");
        socket.Listen(backlog, $"vsock port {port}");
    });

    /// <summary>Connects.</summary>
    /// <param name="contextId">The machine.</param>
    /// <param name="port">The port.</param>
    public static VsockSocket Connect(uint contextId, uint port) => Made(socket =>
    {
        Span<byte> address = stackalloc byte[AddressBytes];
        Fill(address, contextId, port);
        socket.Connect(address, $"vsock {contextId}:{port}");
    });

    /// <summary>Takes a waiting connection; EAGAIN where a non-blocking listener has none.</summary>
    /// <param name="connection">The connection, which is blocking.</param>
    /// <param name="peer">Who connected.</param>
    /// <param name="why">The error.</param>
    public bool TryAccept([NotNullWhen(true)] out VsockSocket? connection, out VsockAddress peer, out Errno why)
    {
        var accepted = new VsockSocket();
        byte* address = stackalloc byte[AddressBytes];
        new Span<byte>(address, AddressBytes).Clear();
        uint length = AddressBytes;
        bool done = TryAccept(accepted, address, &length, out why);
        // SAFETY: the kernel wrote at most the 16 bytes of this frame's buffer.
        var bytes = new ReadOnlySpan<byte>(address, AddressBytes);
        peer = new VsockAddress(BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
        connection = done ? accepted : null;
        return done;
    }

    // Family, reserved, port, context, flags: linux/vm_sockets.h.
    private static void Fill(Span<byte> address, uint contextId, uint port)
    {
        address.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(address, Libc.AF_VSOCK);
        BinaryPrimitives.WriteUInt32LittleEndian(address[4..], port);
        BinaryPrimitives.WriteUInt32LittleEndian(address[8..], contextId);
    }

    private static VsockSocket Made(Action<VsockSocket> finish)
    {
        var socket = new VsockSocket();
        socket.Open(Libc.AF_VSOCK, Libc.SOCK_STREAM);
        try
        {
            finish(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
