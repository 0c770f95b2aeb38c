using System.Buffers.Binary;
using System.Net.Sockets;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.UnitTests.Sandboxes.Guests;

/// <summary>A port with an agent that does the handshake and then what the test says, in every session anew.</summary>
internal sealed class HostileAgent : IDisposable
{
    private readonly Func<NetworkStream, Task> _session;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private int _sessions;

    internal HostileAgent(Func<NetworkStream, Task> session)
    {
        _session = session;
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen(8);
        _ = AcceptAsync();
    }

    internal string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"hostile-{Guid.NewGuid():N}.sock");

    internal int Sessions => Volatile.Read(ref _sessions);

    /// <summary>Waits for the first call of a session, whose stream is 1, and answers it with a message.</summary>
    internal static Func<NetworkStream, Task> Answer(IMessage answer) => async port =>
    {
        await ReceiveCallAsync(port);
        using var writer = new FrameWriter(port);
        await writer.TakeTurnAsync(CancellationToken.None);
        await writer.WriteAsync(1, FrameType.Response, new OutgoingResponse(answer), CancellationToken.None);
        await ReceiveCallAsync(port);
    };

    /// <summary>Waits for the next segment of the host, by which a call has been registered there; or for its end.</summary>
    internal static async Task ReceiveCallAsync(NetworkStream port)
    {
        byte[] frame = new byte[SerialFrames.MaxSegmentBytes];
        while (true)
        {
            await port.ReadExactlyAsync(frame.AsMemory(0, SerialFrames.LengthBytes));
            if (BinaryPrimitives.ReadUInt32BigEndian(frame) is var length and not uint.MaxValue)
            {
                await port.ReadExactlyAsync(frame.AsMemory(0, (int)length + SerialFrames.ChallengeBytes));
                return;
            }

            // The handshake's frame, which the host repeats until the echo has come.
            await port.ReadExactlyAsync(frame.AsMemory(0, SerialFrames.SyncBytes - SerialFrames.LengthBytes));
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(Path);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket host = await _listener.AcceptAsync();
                Interlocked.Increment(ref _sessions);
                _ = ServeAsync(new NetworkStream(host, ownsSocket: true));
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(NetworkStream port)
    {
        await using (port)
        {
            try
            {
                byte[] sync = new byte[SerialFrames.SyncBytes];
                await port.ReadExactlyAsync(sync);
                await port.WriteAsync(SerialFrames.Echo(sync.AsSpan(SerialFrames.MagicBytes), SerialFrames.Unguessable()));
                await _session(port);
            }
            catch (IOException)
            {
                // The host hung up.
            }
        }
    }
}
