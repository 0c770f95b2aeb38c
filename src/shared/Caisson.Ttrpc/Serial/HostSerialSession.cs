using System.Buffers;

namespace Caisson.Ttrpc;

/// <summary>The host's stream of one session: what it writes goes out in segments that end with the agent's challenge.</summary>
internal sealed class HostSerialSession(Stream port, byte[] challenge, ReadOnlyMemory<byte> early) : DuplexStream
{
    private ReadOnlyMemory<byte> _early = early;   // came together with the echo; owned by the reader

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_early.IsEmpty || buffer.IsEmpty)
        {
            return port.ReadAsync(buffer, cancellationToken);
        }

        int count = Math.Min(buffer.Length, _early.Length);
        _early[..count].CopyTo(buffer);
        _early = count == _early.Length ? default : _early[count..];
        return ValueTask.FromResult(count);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int most = SerialFrames.LengthBytes + Math.Min(buffer.Length, SerialFrames.MaxSegmentDataBytes) + SerialFrames.ChallengeBytes;
        byte[] segment = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            while (!buffer.IsEmpty)
            {
                ReadOnlyMemory<byte> data = buffer[..Math.Min(buffer.Length, SerialFrames.MaxSegmentDataBytes)];
                int count = SerialFrames.WriteSegment(segment, data.Span, challenge);
                await port.WriteAsync(segment.AsMemory(0, count), cancellationToken);
                buffer = buffer[data.Length..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(segment);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            port.Dispose();
        }

        base.Dispose(disposing);
    }
}
