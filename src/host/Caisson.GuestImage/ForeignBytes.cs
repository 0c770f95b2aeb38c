using System.Buffers.Binary;
using System.Text;

namespace Caisson.GuestImage;

/// <summary>
/// Reads numbers and ranges out of a file somebody else made. Offsets come from the file itself,
/// so every range is compared by subtraction and a bad one is an error that names the file.
/// </summary>
internal readonly ref struct ForeignBytes(ReadOnlySpan<byte> bytes, string step, string path)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal int Length => _bytes.Length;

    internal byte U8(ulong offset) => Slice(offset, 1)[0];

    internal ushort U16(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(offset, 2));

    internal uint U32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(offset, 4));

    internal ulong U64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(offset, 8));

    internal ReadOnlySpan<byte> Slice(ulong offset, ulong count)
    {
        ulong length = (ulong)_bytes.Length;
        if (offset > length || count > length - offset)
        {
            throw new GuestImageException(step, path, $"damaged: {count} bytes at offset {offset} lie outside its {length} bytes");
        }

        return _bytes.Slice((int)offset, (int)count);
    }

    /// <summary>A NUL-terminated ASCII string of at most <paramref name="limit"/> bytes.</summary>
    internal string Text(ulong offset, int limit)
    {
        ReadOnlySpan<byte> rest = Slice(offset, (ulong)_bytes.Length - Math.Min(offset, (ulong)_bytes.Length));
        int end = rest[..Math.Min(rest.Length, limit)].IndexOf((byte)0);
        return end >= 0
            ? Encoding.ASCII.GetString(rest[..end])
            : throw new GuestImageException(step, path, $"damaged: the text at offset {offset} does not end within {limit} bytes");
    }
}
