using System.Buffers;

namespace Caisson.Ttrpc;

/// <summary>A frame whose payload lies in a pooled buffer; whoever got it calls <see cref="Return"/> once.</summary>
internal readonly struct Frame(FrameHeader header, byte[] buffer)
{
    internal FrameHeader Header => header;

    internal ReadOnlySpan<byte> Payload => buffer.AsSpan(0, header.Length);

    internal void Return() => ArrayPool<byte>.Shared.Return(buffer);
}

/// <summary>Cuts a stream of bytes into frames. Used by one loop at a time.</summary>
internal sealed class FrameReader(Stream stream)
{
    // Most calls are smaller than this, so that a header and its payload arrive by one read.
    private const int ReadAheadBytes = 4096;

    private readonly byte[] _ahead = new byte[ReadAheadBytes];
    private int _start;
    private int _end;

    /// <returns>The next frame; null when the stream ended between two frames.</returns>
    /// <exception cref="ProtocolException">A length above the limit, or the stream ended inside a frame.</exception>
    internal async ValueTask<Frame?> ReadAsync(CancellationToken cancellationToken)
    {
        while (_end - _start < FrameHeader.Bytes)
        {
            if (!await FillAsync(cancellationToken))
            {
                return _end == _start
                    ? null
                    : throw new ProtocolException($"the connection ended inside a frame's header, after {_end - _start} of {FrameHeader.Bytes} bytes");
            }
        }

        FrameHeader header = FrameHeader.Parse(_ahead.AsSpan(_start, FrameHeader.Bytes));
        _start += FrameHeader.Bytes;
        byte[] payload = ArrayPool<byte>.Shared.Rent(header.Length);
        try
        {
            await ReadPayloadAsync(payload.AsMemory(0, header.Length), cancellationToken);
            return new Frame(header, payload);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(payload);
            throw;
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _ahead.AsSpan(_start, _end - _start).CopyTo(_ahead);
        _end -= _start;
        _start = 0;
        int count = await stream.ReadAsync(_ahead.AsMemory(_end), cancellationToken);
        _end += count;
        return count > 0;
    }

    private async ValueTask ReadPayloadAsync(Memory<byte> payload, CancellationToken cancellationToken)
    {
        int done = Math.Min(payload.Length, _end - _start);
        _ahead.AsSpan(_start, done).CopyTo(payload.Span);
        _start += done;
        while (done < payload.Length)
        {
            int count = await stream.ReadAsync(payload[done..], cancellationToken);
            if (count == 0)
            {
                throw new ProtocolException($"the connection ended inside a frame, after {done} of {payload.Length} bytes of payload");
            }

            done += count;
        }
    }
}
