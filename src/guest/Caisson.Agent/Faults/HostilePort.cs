using System.Buffers.Binary;

namespace Caisson.Agent;

/// <summary>
/// The port of an agent that may be hostile. What is written to it comes whole: the echo of a handshake, which begins with four bytes
/// 0xFF, or one frame (containerd/ttrpc PROTOCOL.md: length, stream, type and flags in ten bytes, then the payload).
/// </summary>
internal sealed class HostilePort(Stream port) : Stream
{
    private const int HeaderBytes = 10;
    private const int TooLong = (4 << 20) + 1;
    private const int StrangerCount = 500;
    private const int GarbageBytes = 16 * 1024;

    private readonly byte[] _garbage = new byte[GarbageBytes];

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        port.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        bool isFrame = buffer.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32BigEndian(buffer.Span) != uint.MaxValue;
        return Hostility.Manner switch
        {
            Manner.Silence => ValueTask.CompletedTask,
            Manner.Garbage when isFrame => WriteGarbageAsync(cancellationToken),
            Manner.Oversize when isFrame => port.WriteAsync(Changed(buffer, static frame => BinaryPrimitives.WriteInt32BigEndian(frame, TooLong)), cancellationToken),
            Manner.Strangers when isFrame => WriteStrangersAsync(buffer, cancellationToken),
            Manner.Nonsense when isFrame => port.WriteAsync(Nonsense(buffer), cancellationToken),
            _ => port.WriteAsync(buffer, cancellationToken),
        };
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            port.Dispose();
        }

        base.Dispose(disposing);
    }

    // Until the session ends and cancels it.
    private async ValueTask WriteGarbageAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Random.Shared.NextBytes(_garbage);
            await port.WriteAsync(_garbage, cancellationToken);
        }
    }

    private async ValueTask WriteStrangersAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        for (int i = 0; i < StrangerCount; i++)
        {
            uint stream = (uint)(Random.Shared.Next() | (1 << 30));
            await port.WriteAsync(Changed(frame, copy => BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(sizeof(uint)), stream)), cancellationToken);
        }
    }

    // A Response whose payload (field 2) is as long as it says, and no message.
    private static byte[] Nonsense(ReadOnlyMemory<byte> frame)
    {
        const int PayloadBytes = 32;
        byte[] nonsense = new byte[HeaderBytes + 2 + PayloadBytes];
        frame.Span[..HeaderBytes].CopyTo(nonsense);
        BinaryPrimitives.WriteInt32BigEndian(nonsense, 2 + PayloadBytes);
        nonsense[HeaderBytes] = (2 << 3) | 2;
        nonsense[HeaderBytes + 1] = PayloadBytes;
        nonsense.AsSpan(HeaderBytes + 2).Fill(0xFF);
        return nonsense;
    }

    private static byte[] Changed(ReadOnlyMemory<byte> frame, Action<byte[]> change)
    {
        byte[] copy = frame.ToArray();
        change(copy);
        return copy;
    }
}
