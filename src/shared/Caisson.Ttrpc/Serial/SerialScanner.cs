using System.Buffers.Binary;

namespace Caisson.Ttrpc;

/// <summary>What <see cref="SerialScanner.Next"/> found at the beginning of the bytes it holds.</summary>
internal enum SerialFind
{
    /// <summary>Nothing whole; more bytes are needed.</summary>
    NeedMore,

    /// <summary>A segment of the session; <see cref="SerialScanner.Data"/> holds what it carries.</summary>
    Data,

    /// <summary>A sync frame; <see cref="SerialScanner.Nonce"/> holds its nonce.</summary>
    Sync,

    /// <summary>Bytes that belong to no frame were passed over: a session that was running has a hole.</summary>
    Garbage,
}

/// <summary>Cuts the agent's incoming bytes into segments and sync frames, and finds the next sync frame in anything else.</summary>
internal sealed class SerialScanner
{
    private readonly byte[] _buffer = new byte[SerialFrames.MaxSegmentBytes];
    private readonly byte[] _nonce = new byte[SerialFrames.NonceBytes];
    private int _start;
    private int _end;
    private int _dataStart;
    private int _dataLength;

    /// <summary>The last segment's data, until the next call of <see cref="Room"/> or <see cref="Next"/>.</summary>
    internal ReadOnlySpan<byte> Data => _buffer.AsSpan(_dataStart, _dataLength);

    /// <summary>The last sync frame's nonce.</summary>
    internal ReadOnlySpan<byte> Nonce => _nonce;

    /// <summary>Where the next bytes from the port go; never empty after <see cref="SerialFind.NeedMore"/>.</summary>
    internal Memory<byte> Room()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        return _buffer.AsMemory(_end);
    }

    internal void Filled(int count) => _end += count;

    /// <summary>The host hung up: what is left of a frame will never be completed.</summary>
    internal void Forget() => _start = _end = 0;

    /// <param name="challenge">The running session's; empty when none is running, and then no segment is believed.</param>
    internal SerialFind Next(ReadOnlySpan<byte> challenge)
    {
        ReadOnlySpan<byte> held = _buffer.AsSpan(_start, _end - _start);
        int magic = Math.Min(held.Length, SerialFrames.MagicBytes);
        if (held[..magic].SequenceEqual(SerialFrames.Magic[..magic]))
        {
            return TakeSync(held);
        }

        if (challenge.IsEmpty)
        {
            return PassOver(held);
        }

        if (held.Length < SerialFrames.LengthBytes)
        {
            return SerialFind.NeedMore;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(held);
        return length is 0 or > SerialFrames.MaxSegmentDataBytes ? PassOver(held) : TakeSegment(held, (int)length, challenge);
    }

    private SerialFind TakeSync(ReadOnlySpan<byte> held)
    {
        if (held.Length < SerialFrames.SyncBytes)
        {
            return SerialFind.NeedMore;
        }

        held[SerialFrames.MagicBytes..SerialFrames.SyncBytes].CopyTo(_nonce);
        _start += SerialFrames.SyncBytes;
        return SerialFind.Sync;
    }

    private SerialFind TakeSegment(ReadOnlySpan<byte> held, int length, ReadOnlySpan<byte> challenge)
    {
        int total = SerialFrames.LengthBytes + length + SerialFrames.ChallengeBytes;
        if (held.Length < total)
        {
            return SerialFind.NeedMore;
        }

        if (!held[(SerialFrames.LengthBytes + length)..total].SequenceEqual(challenge))
        {
            return PassOver(held);
        }

        _dataStart = _start + SerialFrames.LengthBytes;
        _dataLength = length;
        _start += total;
        return SerialFind.Data;
    }

    // Goes on at the next place where a magic may begin: the sync frames of the next host may lie inside what was taken for data.
    private SerialFind PassOver(ReadOnlySpan<byte> held)
    {
        for (int at = 1; at < held.Length; at++)
        {
            int magic = Math.Min(held.Length - at, SerialFrames.MagicBytes);
            if (held.Slice(at, magic).SequenceEqual(SerialFrames.Magic[..magic]))
            {
                _start += at;
                return SerialFind.Garbage;
            }
        }

        _start = _end;
        return SerialFind.Garbage;
    }
}
