using System.Buffers.Binary;
using Caisson.Containers;
using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Sandboxes;
using Caisson.Ttrpc;

namespace Caisson.Fuzz;

/// <summary>
/// The agent's end of the serial port: frames of a host, of a dead host, and bytes of neither. "!CHALLENGE!!!!!!" in an input stands for
/// the challenge of the running session, which cannot be known before.
/// </summary>
internal sealed class SerialAgentTarget : IFuzzTarget
{
    private const int MaxFinds = 1 << 16;

    private static readonly byte[] s_challenge = "!CHALLENGE!!!!!!"u8.ToArray();

    public string Name => "serial-agent";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] segment = new byte[SerialFrames.LengthBytes + 5 + SerialFrames.ChallengeBytes];
            _ = SerialFrames.WriteSegment(segment, "hello"u8, s_challenge);
            yield return [.. SerialFrames.Sync(new byte[16]), .. segment, .. segment];
            yield return [.. segment.AsSpan(0, 7), .. SerialFrames.Sync(new byte[16]), .. SerialFrames.Sync(new byte[16]), .. segment];
        }
    }

    public IEnumerable<string> Words => ["!CHALLENGE!!!!!!", "CaissonSync\n"];

    public void Run(byte[] input)
    {
        Scan(input, default);
        Scan(input, s_challenge);
        Listen(input);
    }

    // However the bytes are cut into reads, every byte is taken once and the scanner gets on.
    private static void Scan(byte[] input, ReadOnlySpan<byte> challenge)
    {
        var scanner = new SerialScanner();
        int given = 0;
        int piece = input.Length == 0 ? 1 : 1 + input[0];
        for (int finds = 0; finds < MaxFinds; finds++)
        {
            SerialFind find = scanner.Next(challenge);
            BrokenPromiseException.Require(find != SerialFind.Data || scanner.Data.Length is > 0 and <= SerialFrames.MaxSegmentDataBytes, "a segment of a length that no segment has");
            if (find != SerialFind.NeedMore)
            {
                continue;
            }

            Memory<byte> room = scanner.Room();
            BrokenPromiseException.Require(!room.IsEmpty, "needs more and has no room");
            int count = Math.Min(Math.Min(room.Length, piece), input.Length - given);
            if (count == 0)
            {
                return;
            }

            input.AsMemory(given, count).CopyTo(room);
            scanner.Filled(count);
            given += count;
        }

        throw new BrokenPromiseException("finds more and more in the same bytes");
    }

    private static void Listen(byte[] input)
    {
        using var end = new CancellationTokenSource();
        var listener = new SerialListener(new ReplayStream(input), stop => { end.Cancel(); stop.ThrowIfCancellationRequested(); return ValueTask.CompletedTask; });
        var server = new TtrpcServer();
        try
        {
            Patience.Finish(listener.ServeAsync(server, null, end.Token));
        }
        catch (OperationCanceledException)
        {
            // The port has ended.
        }

        Patience.Finish(listener.DisposeAsync().AsTask());
    }
}

/// <summary>The host's search for the agent's echo. The first 32 bytes of the input are the sync frame that it waits for.</summary>
internal sealed class SerialHostTarget : IFuzzTarget
{
    public string Name => "serial-host";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] sync = SerialFrames.Sync(new byte[16]);
            byte[] echo = SerialFrames.Echo(new byte[16], new byte[16]);
            yield return [.. sync, .. echo, .. "after"u8];
            yield return [.. sync, .. "left over"u8, .. echo.AsSpan(0, 20), .. echo, .. echo];
        }
    }

    public void Run(byte[] input)
    {
        if (input.Length < SerialFrames.SyncBytes)
        {
            return;
        }

        byte[] sync = input[..SerialFrames.SyncBytes];
        byte[] rest = input[SerialFrames.SyncBytes..];
        using HostSerialSession? session = Patience.Finish(SerialLink.FindEchoAsync(new ReplayStream(rest), sync, CancellationToken.None));
        int at = rest.AsSpan().IndexOf(sync);
        BrokenPromiseException.Require(session is null == (at < 0 || rest.Length - at < SerialFrames.EchoBytes), "the echo was missed, or taken where there was none");
        if (session is not null)
        {
            byte[] after = new byte[rest.Length + 1];
            int count = 0;
            while (session.ReadAsync(after.AsMemory(count)).AsTask().GetAwaiter().GetResult() is var read and > 0)
            {
                count += read;
            }

            BrokenPromiseException.Require(after.AsSpan(0, count).SequenceEqual(rest.AsSpan(at + SerialFrames.EchoBytes)), "bytes after the echo were lost");
        }
    }
}

/// <summary>The keeper's end of its socket: frames of a supervisor.</summary>
internal sealed class KeeperSideTarget : IFuzzTarget
{
    public string Name => "keeper";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => KeeperSeeds.Frames;

    public void Run(byte[] input)
    {
        (UnixSocket near, UnixSocket far) = UnixSocket.Pair();
        using var connection = new KeeperConnection(near);
        var output = new KeeperOutput(near);
        using (far)
        {
            far.SetNonBlocking(true);
            try
            {
                for (int at = 0; at < input.Length;)
                {
                    bool wrote = far.TryWrite(input.AsSpan(at, Math.Min(32768, input.Length - at)), out int count, out Errno why);
                    BrokenPromiseException.Require(wrote || why == Errno.EAGAIN, $"the test's own socket: {why}");
                    at += wrote ? count : 0;
                    BrokenPromiseException.Require(connection.Receive((frame, payload) => Take(output, frame, payload)), "a live supervisor was taken for gone");
                }
            }
            catch (InvalidDataException)
            {
                // The supervisor is dropped.
            }
        }
    }

    private static void Take(KeeperOutput output, KeeperFrame frame, ReadOnlyMemory<byte> payload)
    {
        BrokenPromiseException.Require(payload.Length == frame.PayloadLength, "a payload of another length");
        switch (frame.Type)
        {
            case KeeperFrameType.Stdout:
                output.Take(frame.Value, payload);
                output.Forget();
                break;
            case KeeperFrameType.Progress:
                _ = KeeperProgress.Read(payload.Span);
                break;
        }
    }
}

/// <summary>The supervisor's end: frames of a keeper, which lives in the container's namespaces.</summary>
internal sealed class SupervisorSideTarget : IFuzzTarget
{
    public string Name => "keeper-link";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => KeeperSeeds.Frames;

    public void Run(byte[] input)
    {
        KeeperLink link;
        try
        {
            link = Patience.Finish(KeeperLink.OpenAsync(new ReplayStream(input), CancellationToken.None));
        }
        catch (KeeperGoneException)
        {
            return;
        }

        Drain(link.Input);
        Drain(link.Reports);
        Patience.Finish(link.Gone);
        Patience.Finish(link.DisposeAsync().AsTask());
    }

    private static void Drain(System.Threading.Channels.ChannelReader<KeeperReport> reports)
    {
        while (Patience.Finish(reports.WaitToReadAsync().AsTask()))
        {
            while (reports.TryRead(out _))
            {
            }
        }
    }
}

/// <summary>Messages of a container's init to its creator. Init is ours, but lives in the container's namespaces until its workload runs.</summary>
internal sealed class InitChannelTarget : IFuzzTarget
{
    public string Name => "init-channel";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds => [[1, 5, 0, 0, 0], [2, 22, 0, 0, 0, .. "no such file"u8], [3], [4, 0xFF, 0xFF, 0xFF, 0xFF, .. "warning"u8]];

    public void Run(byte[] input)
    {
        (InitChannel channel, InitChannel init) = InitChannel.Pair(static _ => { });
        using (channel)
        {
            using (init)
            {
                // A message each time a byte says how long it is; more than the socket holds is for another time.
                for (int at = 0, sent = 0; at < input.Length && sent < 8; sent++)
                {
                    int length = Math.Min(1 + input[at], input.Length - at);
                    Linux.UnixSocket socket = (Linux.UnixSocket)init.Descriptor;
                    _ = socket.TryWrite(input.AsSpan(at, length), out _, out _);
                    at += length;
                }
            }

            Receive(channel);
        }
    }

    private static void Receive(InitChannel channel)
    {
        while (true)
        {
            try
            {
                if (!channel.TryReceive(out ReceivedInitMessage message))
                {
                    return;
                }

                BrokenPromiseException.Require(message.Descriptor is null, "a descriptor out of nowhere");
            }
            catch (ContainerException)
            {
                // Init says that it failed; more may follow.
            }
        }
    }
}

internal static class KeeperSeeds
{
    internal static IEnumerable<byte[]> Frames
    {
        get
        {
            byte[] progress = new byte[KeeperProgress.Length];
            new KeeperProgress(1, 2, 3).Write(progress);
            byte[] greeting = Frame(KeeperFrameType.Progress, 0, progress);
            yield return [.. greeting, .. Frame(KeeperFrameType.Stdin, 0, "input"u8), .. Frame(KeeperFrameType.StdinClosed, 5, []), .. Frame(KeeperFrameType.Signal, 15, [])];
            yield return [.. greeting, .. Frame(KeeperFrameType.WindowSize, (24 << 16) | 80, []), .. Frame(KeeperFrameType.StdoutWritten, 4, []), .. Frame(KeeperFrameType.ExitTaken, 0, [])];
            yield return [.. Frame(KeeperFrameType.Stdout, 0, "output"u8), .. Frame(KeeperFrameType.Stderr, 0, "error"u8), .. Frame(KeeperFrameType.Exit, 3, [])];
        }
    }

    private static byte[] Frame(KeeperFrameType type, ulong value, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[KeeperFrame.HeaderLength + payload.Length];
        new KeeperFrame(type, value, payload.Length).WriteHeader(frame);
        payload.CopyTo(frame.AsSpan(KeeperFrame.HeaderLength));
        return frame;
    }
}

/// <summary>Lines of QEMU, which may be captured.</summary>
internal sealed class QmpTarget : IFuzzTarget
{
    public string Name => "qmp";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds =>
    [
        """{"QMP": {"version": {"qemu": {"micro": 19, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}"""u8.ToArray(),
        "{\"return\": {}, \"id\": 1}\r\n{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 2}\n"u8.ToArray(),
        """{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"""u8.ToArray(),
    ];

    public IEnumerable<string> Words => ["\"return\":", "\"error\":", "\"event\":", "\"id\":", "\\ud800", "\n", "{", "}"];

    public void Run(byte[] input)
    {
        var reader = new QmpLineReader(new ReplayStream([.. input, (byte)'\n']));
        try
        {
            while (Patience.Finish(reader.ReadLineAsync(CancellationToken.None)) is { } line)
            {
                Read(line);
            }
        }
        catch (QmpException)
        {
            // A line that is too long.
        }
    }

    private static void Read(ReadOnlyMemory<byte> line)
    {
        try
        {
            if (QmpMessage.Parse(line) is QmpMessage.Notification notification)
            {
                _ = notification.Text("reason");
            }
        }
        catch (QmpException)
        {
            // Refused, and the monitor given up.
        }
    }
}

/// <summary>Netlink attributes, and device events, which reach whoever listens on the group.</summary>
internal sealed class NetlinkTarget : IFuzzTarget
{
    public string Name => "netlink";

    public IShape Shape => ByteShape.Instance;

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            yield return "add@/devices/pci0000:00/0000:00:05.0\0ACTION=add\0DEVPATH=/devices/pci0000:00/0000:00:05.0\0SUBSYSTEM=pci\0SEQNUM=7\0"u8.ToArray();
            byte[] attributes = new byte[16];
            BinaryPrimitives.WriteUInt16LittleEndian(attributes, 8);
            BinaryPrimitives.WriteUInt16LittleEndian(attributes.AsSpan(2), 3);
            BinaryPrimitives.WriteUInt16LittleEndian(attributes.AsSpan(8), 7);
            yield return attributes;
        }
    }

    public void Run(byte[] input)
    {
        if (Uevent.TryParse(input, out Uevent? read))
        {
            _ = read.Subsystem + read.DeviceName;
        }

        var attributes = new NetlinkAttributes(input);
        while (attributes.Next())
        {
            _ = attributes.Number;
            _ = attributes.Text;
        }
    }
}
