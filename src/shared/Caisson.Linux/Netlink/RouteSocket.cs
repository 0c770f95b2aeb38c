using System.Buffers.Binary;

namespace Caisson.Linux;

/// <summary>
/// rtnetlink(7): interfaces, addresses, routes and neighbours of one network namespace, that of the thread which opened the socket.
/// One request at a time; not for several threads.
/// </summary>
public sealed partial class RouteSocket : IDisposable
{
    // The kernel fills at most 32 KiB of a dump into one datagram (netlink_dump).
    private const int BufferBytes = 64 * 1024;

    // A dump during which the tables change is started again; a host whose tables never rest gets what there is.
    private const int MaxDumps = 5;

    private const ushort ErrorMessage = 2;
    private const ushort DoneMessage = 3;
    private const ushort ErrorTextAttribute = 1;
    private const int ErrorBytes = 4 + NetlinkMessage.HeaderBytes;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private uint _sequence;

    private RouteSocket(NetlinkSocket socket) => _socket = socket;

    private delegate void Visit(ushort type, ReadOnlySpan<byte> payload);

    /// <summary>Opens a socket in the network namespace of the calling thread.</summary>
    public static RouteSocket Open()
    {
        NetlinkSocket socket = NetlinkSocket.Open(NetlinkSocket.Route, groups: 0);
        socket.AskForWords();
        return new RouteSocket(socket);
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _socket.Dispose();

    private void Request(ref NetlinkMessage message, string what)
    {
        _socket.WriteAll(message.Finish(++_sequence));
        _ = Receive(what, static (_, _) => { });
    }

    private void Dump(ushort type, int fixedBytes, string what, Action restart, Visit visit)
    {
        var message = new NetlinkMessage(type, NetlinkFlags.Request | NetlinkFlags.Dump);
        for (int i = 0; i < fixedBytes; i += 4)
        {
            message.Put(0);
        }

        Dump(ref message, what, restart, visit);
    }

    private void Dump(ref NetlinkMessage message, string what, Action restart, Visit visit)
    {
        for (int attempt = 1; ; attempt++)
        {
            restart();
            _socket.WriteAll(message.Finish(++_sequence));
            if (Receive(what, visit) || attempt == MaxDumps)
            {
                return;
            }
        }
    }

    // Returns false when the kernel says that a dump is inconsistent.
    private bool Receive(string what, Visit visit)
    {
        bool consistent = true;
        while (true)
        {
            if (!_socket.TryReceive(_buffer, wait: true, out int length, out uint sender, out Errno why))
            {
                throw new SyscallException($"rtnetlink {what}", why);
            }

            ReadOnlySpan<byte> rest = sender == 0 ? _buffer.AsSpan(0, length) : [];
            while (rest.Length >= NetlinkMessage.HeaderBytes)
            {
                int size = BinaryPrimitives.ReadInt32LittleEndian(rest);
                if (size < NetlinkMessage.HeaderBytes || size > rest.Length)
                {
                    break;
                }

                if (BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) == _sequence)
                {
                    consistent &= (BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]) & (ushort)NetlinkFlags.DumpInterrupted) == 0;
                    if (IsLast(rest[..size], what, visit))
                    {
                        return consistent;
                    }
                }

                rest = rest[Math.Min((size + 3) & ~3, rest.Length)..];
            }
        }
    }

    private static bool IsLast(ReadOnlySpan<byte> message, string what, Visit visit)
    {
        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);
        ReadOnlySpan<byte> payload = message[NetlinkMessage.HeaderBytes..];
        if (type is not (ErrorMessage or DoneMessage))
        {
            visit(type, payload);
            return false;
        }

        int error = payload.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(payload) : 0;
        if (error < 0)
        {
            bool inWords = type == ErrorMessage && (BinaryPrimitives.ReadUInt16LittleEndian(message[6..]) & (ushort)NetlinkFlags.ExtendedAcknowledge) != 0;
            string words = inWords && payload.Length > ErrorBytes ? TextOf(payload[ErrorBytes..]) : "";
            throw new SyscallException(words.Length > 0 ? $"rtnetlink {what} ({words})" : $"rtnetlink {what}", (Errno)(-error));
        }

        return true;
    }

    private static string TextOf(ReadOnlySpan<byte> attributes)
    {
        var attribute = new NetlinkAttributes(attributes);
        while (attribute.Next())
        {
            if (attribute.Type == ErrorTextAttribute)
            {
                return attribute.Text;
            }
        }

        return "";
    }
}
