using System.Buffers.Binary;
using System.Text;

namespace Caisson.Sandboxes;

/// <summary>Reads values in D-Bus's form, little endian. Whatever does not fit ends it with one exception.</summary>
internal ref struct DBusReader(ReadOnlySpan<byte> bytes)
{
    // "Maximum Message Depth" is 64; nothing that we read has more than this.
    private const int MaxDepth = 8;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    internal readonly bool AtEnd => _at >= _bytes.Length;

    internal byte Byte() => Take(1)[0];

    internal uint UInt32()
    {
        Align(4);
        return BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
    }

    /// <summary>A string or an object path.</summary>
    internal string String()
    {
        uint length = UInt32();
        string text = Encoding.UTF8.GetString(Take(length));
        Take(1);
        return text;
    }

    internal string Signature()
    {
        string text = Encoding.ASCII.GetString(Take(Byte()));
        Take(1);
        return text;
    }

    internal void Align(int size)
    {
        int beyond = _at % size;
        if (beyond != 0)
        {
            Take((uint)(size - beyond));
        }
    }

    /// <summary>Passes over one value of a simple type, or a variant of one; returns it if it is text.</summary>
    internal string? Value(string signature, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            throw Malformed("too deep");
        }

        switch (signature)
        {
            case "s" or "o":
                return String();
            case "g":
                return Signature();
            case "v":
                return Value(Signature(), depth + 1);
            case "y":
                Byte();
                return null;
            case "u" or "i" or "b" or "h":
                UInt32();
                return null;
            case "t" or "x" or "d":
                Align(8);
                Take(8);
                return null;
            default:
                throw Malformed($"a value of type {signature}");
        }
    }

    internal static SandboxException Malformed(string what) => new($"systemd: its answer over D-Bus is malformed: {what}");

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > (uint)(_bytes.Length - _at))
        {
            throw Malformed($"{count} bytes beyond its end are needed");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }
}
