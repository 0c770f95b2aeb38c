using System.Buffers.Binary;

namespace Caisson.Ttrpc;

/// <summary>
/// The ten bytes before every payload (containerd/ttrpc PROTOCOL.md): length of the payload u32, stream id u32,
/// type u8, flags u8, all big-endian.
/// </summary>
internal readonly record struct FrameHeader(int Length, uint StreamId, FrameType Type, FrameFlags Flags)
{
    internal const int Bytes = 10;

    // containerd/ttrpc channel.go: messageLengthMax. Holds in both directions.
    internal const int MaxPayloadBytes = 4 << 20;

    /// <exception cref="ProtocolException">The length is above the limit; nothing has been allocated for it.</exception>
    internal static FrameHeader Parse(ReadOnlySpan<byte> header)
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header);
        if (length > MaxPayloadBytes)
        {
            throw new ProtocolException($"a frame of {length} bytes was announced; the limit is {MaxPayloadBytes}");
        }

        uint stream = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        return new FrameHeader((int)length, stream, (FrameType)header[8], (FrameFlags)header[9]);
    }

    internal void Write(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header, (uint)Length);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], StreamId);
        header[8] = (byte)Type;
        header[9] = (byte)Flags;
    }
}

/// <summary>What a frame is. Other values may come from newer peers; their frames are skipped.</summary>
internal enum FrameType : byte
{
    Request = 1,
    Response = 2,
    Data = 3,
}

/// <summary>Flags of streaming calls, which are not served here; unknown ones are ignored.</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0,
    RemoteClosed = 1,
    RemoteOpen = 2,
    NoData = 4,
}
