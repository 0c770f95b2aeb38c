using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Caisson.Linux;

/// <summary>What the kernel tells about a device: <c>add@/devices/...</c> and its properties.</summary>
/// <param name="Action">add, remove, change, move, online, offline, bind or unbind.</param>
/// <param name="DevicePath">The device below /sys.</param>
/// <param name="Properties">SUBSYSTEM, DEVNAME, MAJOR and such.</param>
public sealed record Uevent(string Action, string DevicePath, IReadOnlyDictionary<string, string> Properties)
{
    /// <summary>The kernel's own buffer is 2048 bytes (UEVENT_BUFFER_SIZE), and its header a path of at most 4096.</summary>
    public const int MaxBytes = 8192;

    /// <summary>UEVENT_NUM_ENVP of the kernel.</summary>
    public const int MaxProperties = 64;

    /// <summary>The subsystem, such as block; empty where it is not told.</summary>
    public string Subsystem => Properties.GetValueOrDefault("SUBSYSTEM", "");

    /// <summary>The name below /dev; empty for devices without a node.</summary>
    public string DeviceName => Properties.GetValueOrDefault("DEVNAME", "");

    /// <summary>Reads a datagram.</summary>
    /// <param name="datagram">Texts that each end with a NUL.</param>
    /// <param name="read">The event.</param>
    /// <returns>False for what the kernel does not send: udev's own messages, among others.</returns>
    public static bool TryParse(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out Uevent? read)
    {
        read = null;
        if (datagram.Length > MaxBytes || !TryTake(ref datagram, out string header))
        {
            return false;
        }

        int at = header.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0 || at + 1 >= header.Length || header[at + 1] != '/')
        {
            return false;
        }

        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        while (TryTake(ref datagram, out string line))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || properties.Count == MaxProperties)
            {
                return false;
            }

            properties[line[..equals]] = line[(equals + 1)..];
        }

        read = new Uevent(header[..at], header[(at + 1)..], properties);
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out string text)
    {
        int end = rest.IndexOf((byte)0);
        text = end < 0 ? Encoding.UTF8.GetString(rest) : Encoding.UTF8.GetString(rest[..end]);
        bool any = !rest.IsEmpty;
        rest = end < 0 ? [] : rest[(end + 1)..];
        return any && text.Length > 0;
    }
}

/// <summary>Hears what the kernel tells about devices, from the moment it is opened.</summary>
public sealed class UeventListener : IDisposable
{
    private const uint KernelGroup = 1; // group 2 is udev's
    private const int ReceiveBufferBytes = 1024 * 1024; // a machine that finds all its devices at once sends a few hundred kilobytes

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[Uevent.MaxBytes];

    private UeventListener(NetlinkSocket socket) => _socket = socket;

    /// <summary>What to poll.</summary>
    public FileDescriptor Descriptor => _socket;

    /// <summary>Opens a listener in the thread's network namespace; the kernel tells only the first one of a user namespace everything.</summary>
    public static UeventListener Open()
    {
        NetlinkSocket socket = NetlinkSocket.Open(NetlinkSocket.KernelEvents, KernelGroup);
        if (!socket.TrySetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, ReceiveBufferBytes))
        {
            socket.TrySetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUF, ReceiveBufferBytes);
        }

        return new UeventListener(socket);
    }

    /// <summary>Takes the next event, when there is one.</summary>
    /// <param name="taken">The event.</param>
    /// <exception cref="SyscallException">ENOBUFS: events were lost, and /sys must be looked through again.</exception>
    public bool TryTake([NotNullWhen(true)] out Uevent? taken)
    {
        Errno why;
        while (_socket.TryReceive(_buffer, wait: false, out int length, out uint sender, out why))
        {
            // Others may send to the group too; only the kernel is believed.
            if (sender == 0 && Uevent.TryParse(_buffer.AsSpan(0, length), out taken))
            {
                return true;
            }
        }

        taken = null;
        return why == Errno.EAGAIN ? false : throw new SyscallException("recv(uevent)", why);
    }

    /// <summary>Waits on the loop for the next event.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<Uevent> TakeAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Uevent? taken;
        while (!TryTake(out taken))
        {
            await loop.Ready(_socket, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return taken;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _socket.Dispose();
}
