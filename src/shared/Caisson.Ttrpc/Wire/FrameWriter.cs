using System.Buffers;

namespace Caisson.Ttrpc;

/// <summary>What can lay itself out as the payload of a frame.</summary>
internal interface IFramePayload
{
    /// <summary>The exact size that <see cref="Write"/> will fill.</summary>
    int Measure();

    /// <summary>Fills <paramref name="target"/>, which has the measured size.</summary>
    void Write(Span<byte> target);
}

/// <summary>Writes whole frames, one after the other. Once a write was broken off, the connection is of no use.</summary>
internal sealed class FrameWriter(Stream stream) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Waits for this caller's turn to write; after it, <see cref="WriteAsync"/> gives the turn back.</summary>
    internal Task TakeTurnAsync(CancellationToken cancellationToken) => _turn.WaitAsync(cancellationToken);

    internal void GiveTurnBack() => _turn.Release();

    /// <summary>Writes one frame during the caller's turn, and ends the turn. Laid out here, so that waiting writers hold no buffers.</summary>
    /// <exception cref="TtrpcException">The payload does not fit a frame or cannot be laid out; nothing was written.</exception>
    internal async Task WriteAsync(uint streamId, FrameType type, IFramePayload payload, CancellationToken cancellationToken)
    {
        byte[]? buffer = null;
        try
        {
            int total = LayOut(streamId, type, payload, out buffer);
            await stream.WriteAsync(buffer.AsMemory(0, total), cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static int LayOut(uint streamId, FrameType type, IFramePayload payload, out byte[] buffer)
    {
        int length = payload.Measure();
        if (length is < 0 or > FrameHeader.MaxPayloadBytes)
        {
            throw new TtrpcException(
                TtrpcCode.ResourceExhausted, $"a message of {length} bytes does not fit a frame; the limit is {FrameHeader.MaxPayloadBytes}");
        }

        int total = FrameHeader.Bytes + length;
        buffer = ArrayPool<byte>.Shared.Rent(total);
        try
        {
            new FrameHeader(length, streamId, type, FrameFlags.None).Write(buffer);
            payload.Write(buffer.AsSpan(FrameHeader.Bytes, length));
            return total;
        }
        catch (Exception changed) when (changed is ArgumentException or InvalidOperationException or IOException)
        {
            throw new TtrpcException(TtrpcCode.Internal, "the message changed while it was being sent", changed);
        }
    }
}
