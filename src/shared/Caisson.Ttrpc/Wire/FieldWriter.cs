using System.Text;

namespace Caisson.Ttrpc;

/// <summary>Writes protobuf fields into a buffer of measured size; default values are left out, as proto3 does.</summary>
internal ref struct FieldWriter(Span<byte> target)
{
    private const int Varint = 0;
    private const int Delimited = 2;

    private readonly Span<byte> _target = target;
    private int _position;

    internal static int MeasureInteger(int field, long value) =>
        value == 0 ? 0 : MeasureVarint((ulong)field << 3) + MeasureVarint((ulong)value);

    internal static int MeasureText(int field, string value) =>
        value.Length == 0 ? 0 : MeasureDelimited(field, Encoding.UTF8.GetByteCount(value));

    internal static int MeasureDelimited(int field, int length) =>
        MeasureVarint((ulong)field << 3) + MeasureVarint((ulong)length) + length;

    internal void WriteInteger(int field, long value)
    {
        if (value != 0)
        {
            WriteVarint(((ulong)field << 3) | Varint);
            WriteVarint((ulong)value);
        }
    }

    internal void WriteText(int field, string value)
    {
        if (value.Length != 0)
        {
            Encoding.UTF8.GetBytes(value, Reserve(field, Encoding.UTF8.GetByteCount(value)));
        }
    }

    /// <summary>Writes tag and length, and hands out the room for the value.</summary>
    internal Span<byte> Reserve(int field, int length)
    {
        WriteVarint(((ulong)field << 3) | Delimited);
        WriteVarint((ulong)length);
        Span<byte> room = _target.Slice(_position, length);
        _position += length;
        return room;
    }

    private static int MeasureVarint(ulong value)
    {
        int count = 1;
        while (value >= 0x80)
        {
            value >>= 7;
            count++;
        }

        return count;
    }

    private void WriteVarint(ulong value)
    {
        while (value >= 0x80)
        {
            _target[_position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _target[_position++] = (byte)value;
    }
}
