using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Caisson.UnitTests.Protocol;

/// <summary>Any bytes in the place of a message.</summary>
internal sealed class RawMessage(byte[] bytes) : IMessage<RawMessage>, IBufferMessage
{
    private byte[] _bytes = bytes;

    internal static MessageParser<RawMessage> Parser { get; } = new(() => new RawMessage([]));

    public MessageDescriptor Descriptor => throw new NotSupportedException();

    public int CalculateSize() => _bytes.Length;

    public RawMessage Clone() => new(_bytes);

    public bool Equals(RawMessage? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    public override bool Equals(object? obj) => Equals(obj as RawMessage);

    public override int GetHashCode() => _bytes.Length;

    public void MergeFrom(RawMessage message) => _bytes = message._bytes;

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException();

    public void WriteTo(CodedOutputStream output) => throw new NotSupportedException();

    public void InternalMergeFrom(ref ParseContext input)
    {
        while (input.ReadTag() != 0)
        {
        }
    }

    public void InternalWriteTo(ref WriteContext output)
    {
        foreach (byte value in _bytes)
        {
            output.WriteRawTag(value);
        }
    }
}
