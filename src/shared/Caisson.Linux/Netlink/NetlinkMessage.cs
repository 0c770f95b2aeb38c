using System.Buffers.Binary;
using System.Text;

namespace Caisson.Linux;

/// <summary>A netlink message under construction: header, a fixed part, attributes (netlink(7)). All numbers are in host order.</summary>
internal ref struct NetlinkMessage
{
    internal const int HeaderBytes = 16;

    // Our longest request (a veth pair with names and a namespace) is below 200 bytes.
    private const int MaxBytes = 512;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private int _length = HeaderBytes;

    internal NetlinkMessage(ushort type, NetlinkFlags flags)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(6), (ushort)flags);
    }

    internal void Put(byte value) => Reserve(1)[0] = value;

    internal void Put(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);

    internal void Put(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);

    internal void Put(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    internal void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        int start = Begin(type);
        value.CopyTo(Reserve(value.Length));
        End(start);
    }

    internal void Attribute(ushort type, string text)
    {
        int start = Begin(type);
        int length = Encoding.UTF8.GetByteCount(text);
        Encoding.UTF8.GetBytes(text, Reserve(length + 1));
        End(start);
    }

    internal void Attribute(ushort type, int value)
    {
        int start = Begin(type);
        Put(value);
        End(start);
    }

    /// <summary>Starts an attribute that holds others.</summary>
    internal int Begin(ushort type)
    {
        int start = _length;
        Put((ushort)0);
        Put(type);
        return start;
    }

    /// <summary>Writes the attribute's length, which excludes the padding to four bytes.</summary>
    internal void End(int start)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(start), (ushort)(_length - start));
        _ = Reserve(-_length & 3);
    }

    internal ReadOnlySpan<byte> Finish(uint sequence)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes, _length);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(8), sequence);
        return _bytes.AsSpan(0, _length);
    }

    private Span<byte> Reserve(int count)
    {
        Span<byte> reserved = _bytes.AsSpan(_length, count); // throws when the message is full
        _length += count;
        return reserved;
    }
}

/// <summary>NLM_F_* of linux/netlink.h.</summary>
[Flags]
internal enum NetlinkFlags : ushort
{
    Request = 1,
    Acknowledge = 4,
    DumpInterrupted = 0x10,
    Replace = 0x100,
    Exclusive = 0x200,
    ExtendedAcknowledge = 0x200,
    Dump = 0x300,
    Create = 0x400,
}

/// <summary>The attributes of a received message, one after the other; a length that does not fit ends them.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> rest)
{
    private const ushort TypeMask = 0x3FFF; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

    private ReadOnlySpan<byte> _rest = rest;

    internal ushort Type { get; private set; }

    internal ReadOnlySpan<byte> Value { get; private set; }

    internal readonly int Number => Value.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(Value) : 0;

    internal readonly string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));

    internal bool Next()
    {
        if (_rest.Length < 4)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < 4 || length > _rest.Length)
        {
            return false;
        }

        Type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & TypeMask);
        Value = _rest[4..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }
}
