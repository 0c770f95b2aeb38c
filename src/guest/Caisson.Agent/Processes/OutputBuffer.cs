using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>
/// What a process has written and the host has not acknowledged yet, addressed by offsets from the process's beginning.
/// One writer (the pump), any number of readers; a reader that repeats itself, or comes from a session that is dead, does no harm.
/// </summary>
internal sealed class OutputBuffer
{
    /// <summary>Own limit: beyond it nothing is read from the process, so that its writes block, as on a full pipe.</summary>
    internal const int CapacityBytes = 256 * 1024;

    // Own limit on all buffers together, which many processes share; each has at least a segment.
    private const int SharedBytes = 16 * 1024 * 1024;

    // Below the size from which arrays live in the large object heap, which is hardly ever compacted.
    private const int SegmentBytes = 32 * 1024;

    /// <summary>Own limit on one answer: with its envelope it stays in a buffer of 64 KiB, and out of the large object heap.</summary>
    internal const int MaxAnswerBytes = 60 * 1024;

    private static int s_buffers;

    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _segments = [];      // under _lock; the first one holds _start
    private byte[] _tail = [];                          // under _lock: the last of _segments
    private ulong _firstOffset;                         // under _lock: the offset of the first segment's first byte
    private ulong _start;                               // under _lock: everything before is acknowledged
    private ulong _end;                                 // under _lock
    private bool _released;
    private bool _finished;                             // under _lock
    private TaskCompletionSource? _grown;               // under _lock: readers wait for it
    private TaskCompletionSource? _shrunk;              // under _lock: the writer waits for it

    internal OutputBuffer() => Interlocked.Increment(ref s_buffers);

    /// <summary>Where reading goes on at the earliest.</summary>
    internal ulong Acknowledged
    {
        get
        {
            lock (_lock)
            {
                return _start;
            }
        }
    }

    /// <summary>Waits until there is room for at least one byte.</summary>
    internal async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task shrunk;
            lock (_lock)
            {
                if (FreeBytes() > 0)
                {
                    return;
                }

                shrunk = (_shrunk ??= NewSignal()).Task;
            }

            await shrunk.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Appends as much as there is room for.</summary>
    /// <returns>How many bytes were taken.</returns>
    internal int Append(ReadOnlySpan<byte> bytes)
    {
        TaskCompletionSource? grown;
        int taken;
        lock (_lock)
        {
            taken = Math.Min(bytes.Length, FreeBytes());
            Store(bytes[..taken]);
            (grown, _grown) = (_grown, null);
        }

        grown?.SetResult();
        return taken;
    }

    /// <summary>How many bytes may be appended now.</summary>
    internal int Room()
    {
        lock (_lock)
        {
            return FreeBytes();
        }
    }

    /// <summary>Nobody will read it any more: its share is the others'.</summary>
    internal void Release()
    {
        if (!Interlocked.Exchange(ref _released, true))
        {
            Interlocked.Decrement(ref s_buffers);
        }
    }

    /// <summary>Nothing will be appended any more.</summary>
    internal void Finish()
    {
        TaskCompletionSource? grown;
        lock (_lock)
        {
            _finished = true;
            (grown, _grown) = (_grown, null);
        }

        grown?.SetResult();
    }

    /// <summary>Waits for bytes at an offset, and acknowledges what comes before it.</summary>
    /// <param name="offset">Null: what comes next, which is acknowledged as it is returned (Kata's form).</param>
    /// <param name="maxBytes">At most so many.</param>
    /// <param name="cancellationToken">Ends the wait; nothing is lost then.</param>
    /// <exception cref="TtrpcException">The offset was acknowledged before, or lies beyond the end.</exception>
    internal async Task<OutputPart> ReadAsync(ulong? offset, int maxBytes, CancellationToken cancellationToken)
    {
        maxBytes = Math.Clamp(maxBytes, 1, MaxAnswerBytes);
        while (true)
        {
            Task grown;
            cancellationToken.ThrowIfCancellationRequested();
            lock (_lock)
            {
                ulong at = offset ?? _start;
                Acknowledge(at);
                if (_end > at || _finished)
                {
                    byte[] data = Copy(at, (int)Math.Min((ulong)maxBytes, _end - at));
                    ulong next = at + (ulong)data.Length;
                    if (offset is null)
                    {
                        Acknowledge(next);
                    }

                    return new OutputPart(data, at, _finished && next == _end);
                }

                grown = (_grown ??= NewSignal()).Task;
            }

            await grown.WaitAsync(cancellationToken);
        }
    }

    // Fewer than held, where others have come meanwhile.
    private int FreeBytes()
    {
        int capacity = Math.Clamp(SharedBytes / Math.Max(1, Volatile.Read(ref s_buffers)), SegmentBytes, CapacityBytes);
        return (int)Math.Max(0, capacity - (long)(_end - _start));
    }

    private void Acknowledge(ulong offset)
    {
        if (offset < _start || offset > _end)
        {
            throw new TtrpcException(
                TtrpcCode.OutOfRange, $"output at {offset} was asked for; {_start} was acknowledged and {_end} is the end");
        }

        _start = offset;
        while (_segments.Count > 0 && (offset - _firstOffset >= SegmentBytes || offset == _end))
        {
            // An idle process holds no memory: the last segment goes too, and the next one begins where it ended.
            _segments.Dequeue();
            _firstOffset = Math.Min(_firstOffset + SegmentBytes, offset);
        }

        if (_segments.Count == 0)
        {
            _firstOffset = offset;
        }

        (TaskCompletionSource? shrunk, _shrunk) = (_shrunk, null);
        shrunk?.SetResult();
    }

    private void Store(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int used = (int)(_end - _firstOffset) - ((_segments.Count - 1) * SegmentBytes);
            if (_segments.Count == 0 || used == SegmentBytes)
            {
                _tail = new byte[SegmentBytes];
                _segments.Enqueue(_tail);
                used = 0;
            }

            int count = Math.Min(bytes.Length, SegmentBytes - used);
            bytes[..count].CopyTo(_tail.AsSpan(used));
            bytes = bytes[count..];
            _end += (ulong)count;
        }
    }

    private byte[] Copy(ulong offset, int count)
    {
        byte[] copy = new byte[count];
        ulong segmentStart = _firstOffset;
        int copied = 0;
        foreach (byte[] segment in _segments)
        {
            if (copied == count)
            {
                break;
            }

            ulong from = offset + (ulong)copied;
            if (from < segmentStart + SegmentBytes)
            {
                int within = (int)(from - segmentStart);
                int piece = Math.Min(count - copied, SegmentBytes - within);
                segment.AsSpan(within, piece).CopyTo(copy.AsSpan(copied));
                copied += piece;
            }

            segmentStart += SegmentBytes;
        }

        return copy;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A piece of a process's output.</summary>
/// <param name="Data">The bytes; empty only at the end.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="AtEnd">Nothing follows.</param>
internal readonly record struct OutputPart(byte[] Data, ulong Offset, bool AtEnd);
