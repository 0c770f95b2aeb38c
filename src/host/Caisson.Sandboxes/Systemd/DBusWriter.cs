using System.Buffers.Binary;
using System.Text;

namespace Caisson.Sandboxes;

/// <summary>Writes values in D-Bus's form, little endian (D-Bus specification, "Marshaling"): each aligned to its own size from the beginning.</summary>
internal sealed class DBusWriter
{
    private readonly List<byte> _bytes = [];

    internal int Length => _bytes.Count;

    internal byte[] ToArray() => [.. _bytes];

    internal DBusWriter Byte(byte value)
    {
        _bytes.Add(value);
        return this;
    }

    internal DBusWriter Boolean(bool value) => UInt32(value ? 1U : 0U);

    internal DBusWriter UInt32(uint value)
    {
        Align(4);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
        return this;
    }

    internal DBusWriter UInt64(ulong value)
    {
        Align(8);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>A string or an object path.</summary>
    internal DBusWriter String(string value)
    {
        byte[] text = Encoding.UTF8.GetBytes(value);
        UInt32((uint)text.Length);
        _bytes.AddRange(text);
        _bytes.Add(0);
        return this;
    }

    internal DBusWriter Signature(string value)
    {
        _bytes.Add((byte)value.Length);
        _bytes.AddRange(Encoding.ASCII.GetBytes(value));
        _bytes.Add(0);
        return this;
    }

    /// <summary>An array; its length does not count the padding before the first element.</summary>
    internal DBusWriter Array(int alignment, Action<DBusWriter> elements)
    {
        UInt32(0);
        int length = _bytes.Count - 4;
        Align(alignment);
        int start = _bytes.Count;
        elements(this);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)(_bytes.Count - start));
        for (int index = 0; index < bytes.Length; index++)
        {
            _bytes[length + index] = bytes[index];
        }

        return this;
    }

    /// <summary>Structures and dictionary entries begin at a multiple of eight.</summary>
    internal DBusWriter Structure()
    {
        Align(8);
        return this;
    }

    internal DBusWriter Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal void Align(int size)
    {
        while (_bytes.Count % size != 0)
        {
            _bytes.Add(0);
        }
    }
}
