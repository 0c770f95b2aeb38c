using System.Buffers.Binary;

namespace Caisson.Ttrpc;

/// <summary>
/// What both ends of a virtio-serial port agree on. The port is one pipe for ever: neither end is told reliably that the
/// other was replaced, and bytes of a dead host may lie in it, whole frames or halves.
/// <code>
/// host -> agent   sync     magic, nonce                       again and again until the echo
/// agent -> host   echo     magic, nonce, challenge            once per nonce; the host drops everything before it
/// host -> agent   segment  length u32, data, challenge        the session
/// agent -> host   bytes                                       the session
/// agent -> host   hang-up  magic                              the agent gave the session up
/// </code>
/// Data counts only when the challenge follows it: half a segment of a dead host, filled up by the sync frames of the next
/// one, is thrown away and not obeyed. And a workload's input that happens to lie in such a half can imitate a sync frame,
/// but not the challenge, which the agent chose and sent to the host only.
/// </summary>
internal static class SerialFrames
{
    internal const int NonceBytes = 16;
    internal const int ChallengeBytes = 16;
    internal const int MagicBytes = 16;
    internal const int SyncBytes = MagicBytes + NonceBytes;
    internal const int EchoBytes = SyncBytes + ChallengeBytes;
    internal const int LengthBytes = 4;

    // Own limit. What half a segment can swallow of the next session's sync frames, and what the agent must hold.
    internal const int MaxSegmentDataBytes = 32 * 1024;
    internal const int MaxSegmentBytes = LengthBytes + MaxSegmentDataBytes + ChallengeBytes;

    /// <summary>Begins with a length that neither a segment nor a ttrpc frame can have.</summary>
    internal static ReadOnlySpan<byte> Magic => [0xFF, 0xFF, 0xFF, 0xFF, (byte)'C', (byte)'a', (byte)'i', (byte)'s', (byte)'s', (byte)'o', (byte)'n', (byte)'S', (byte)'y', (byte)'n', (byte)'c', 0x0A];

    /// <summary>Random bytes nobody can guess. A Guid's are the kernel's (122 of 128 bits), without linking a cryptographic library.</summary>
    internal static byte[] Unguessable() => Guid.NewGuid().ToByteArray();

    internal static byte[] Sync(ReadOnlySpan<byte> nonce)
    {
        byte[] frame = new byte[SyncBytes];
        Magic.CopyTo(frame);
        nonce.CopyTo(frame.AsSpan(MagicBytes));
        return frame;
    }

    internal static byte[] Echo(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> challenge)
    {
        byte[] frame = new byte[EchoBytes];
        Magic.CopyTo(frame);
        nonce.CopyTo(frame.AsSpan(MagicBytes));
        challenge.CopyTo(frame.AsSpan(SyncBytes));
        return frame;
    }

    /// <returns>The bytes of <paramref name="target"/> that the segment fills.</returns>
    internal static int WriteSegment(Span<byte> target, ReadOnlySpan<byte> data, ReadOnlySpan<byte> challenge)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, data.Length);
        data.CopyTo(target[LengthBytes..]);
        challenge.CopyTo(target[(LengthBytes + data.Length)..]);
        return LengthBytes + data.Length + ChallengeBytes;
    }
}
