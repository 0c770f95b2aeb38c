using System.Text;
using System.Text.Unicode;

namespace Caisson.Ttrpc;

/// <summary>Reads protobuf fields (protobuf.dev/programming-guides/encoding) of the envelopes. Every length is checked against what is there.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> source)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Delimited = 2;
    private const int Fixed32 = 5;

    // A 64-bit varint has ten groups of seven bits at most.
    private const int MaxVarintBytes = 10;

    private readonly ReadOnlySpan<byte> _source = source;
    private int _position;
    private int _wireType;

    /// <summary>Moves to the next field.</summary>
    /// <returns>Its number; 0 at the end.</returns>
    internal int NextField()
    {
        if (_position == _source.Length)
        {
            return 0;
        }

        ulong tag = ReadRawVarint();
        if (tag is < 8 or > uint.MaxValue)
        {
            throw Malformed("a field has no valid number");
        }

        _wireType = (int)(tag & 7);
        return (int)(tag >> 3);
    }

    internal long ReadInteger()
    {
        Expect(Varint);
        return (long)ReadRawVarint();
    }

    internal ReadOnlySpan<byte> ReadBytes()
    {
        Expect(Delimited);
        ulong length = ReadRawVarint();
        if (length > (ulong)(_source.Length - _position))
        {
            throw Malformed($"a field announces {length} bytes, {_source.Length - _position} are left");
        }

        ReadOnlySpan<byte> value = _source.Slice(_position, (int)length);
        _position += (int)length;
        return value;
    }

    /// <summary>Reads a text with a limit: names and keys come from the other side and end up in messages and tables.</summary>
    internal string ReadText(int maxBytes, string what)
    {
        ReadOnlySpan<byte> value = ReadBytes();
        if (value.Length > maxBytes)
        {
            throw Malformed($"{what} of {value.Length} bytes; the limit is {maxBytes}");
        }

        return Utf8.IsValid(value) ? Encoding.UTF8.GetString(value) : throw Malformed($"{what} is not UTF-8");
    }

    internal void Skip()
    {
        switch (_wireType)
        {
            case Varint:
                ReadRawVarint();
                break;
            case Fixed64:
                Advance(sizeof(ulong));
                break;
            case Delimited:
                ReadBytes();
                break;
            case Fixed32:
                Advance(sizeof(uint));
                break;
            default:
                throw Malformed($"wire type {_wireType} is not used by proto3");
        }
    }

    private void Advance(int count)
    {
        if (count > _source.Length - _position)
        {
            throw Malformed("a field is cut off");
        }

        _position += count;
    }

    private ulong ReadRawVarint()
    {
        ulong value = 0;
        for (int index = 0; index < MaxVarintBytes; index++)
        {
            if (_position == _source.Length)
            {
                throw Malformed("a number is cut off");
            }

            byte next = _source[_position++];
            value |= (ulong)(next & 0x7F) << (7 * index);
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Malformed($"a number has more than {MaxVarintBytes} bytes");
    }

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType)
        {
            throw Malformed($"a field has wire type {_wireType}, {wireType} was expected");
        }
    }

    private readonly ProtocolException Malformed(string what) => new($"malformed message at byte {_position}: {what}");
}
