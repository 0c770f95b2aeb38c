using System.Buffers.Binary;

namespace Caisson.GuestImage;

/// <summary>
/// LZ4's legacy frame, as the kernel's build writes it: a magic number, then blocks that each start with their compressed size
/// (lz4_Frame_format.md, "Legacy frame"; lz4_Block_format.md for what is in a block).
/// </summary>
internal static class Lz4Legacy
{
    private const string Step = "decompress kernel";
    private const int MaxBlockBytes = 8 << 20;      // a legacy block holds at most 8 MiB uncompressed
    private const int MinMatch = 4;
    private const int LengthEscape = 15;

    internal static ReadOnlySpan<byte> Magic => [0x02, 0x21, 0x4c, 0x18];

    /// <summary>Fills <paramref name="target"/> exactly; anything else is a damaged file.</summary>
    internal static void Decompress(ReadOnlySpan<byte> frame, Span<byte> target, string path)
    {
        ReadOnlySpan<byte> rest = frame[Magic.Length..];
        int written = 0;
        while (rest.Length >= 4 && written < target.Length)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            rest = rest[4..];
            if (size > (uint)rest.Length)
            {
                throw Damaged(path, $"a block of {size} bytes where {rest.Length} are left");
            }

            Span<byte> block = target[written..Math.Min(target.Length, written + MaxBlockBytes)];
            written += DecompressBlock(rest[..(int)size], block, path);
            rest = rest[(int)size..];
        }

        if (written != target.Length)
        {
            throw Damaged(path, $"{written} bytes came out of it, not {target.Length}");
        }
    }

    /// <returns>How many bytes of <paramref name="target"/> were filled.</returns>
    internal static int DecompressBlock(ReadOnlySpan<byte> block, Span<byte> target, string path)
    {
        int read = 0;
        int written = 0;
        while (read < block.Length)
        {
            byte token = block[read++];
            int literals = Length(block, ref read, token >> 4, path);
            if (literals > block.Length - read || literals > target.Length - written)
            {
                throw Damaged(path, $"{literals} literals do not fit");
            }

            block.Slice(read, literals).CopyTo(target[written..]);
            read += literals;
            written += literals;
            if (read == block.Length)
            {
                return written;    // the last sequence has literals only
            }

            if (block.Length - read < 2)
            {
                throw Damaged(path, "a match offset is cut off");
            }

            int distance = block[read] | (block[read + 1] << 8);
            read += 2;
            int match = Length(block, ref read, token & LengthEscape, path);
            CopyMatch(target, written, distance, match, path);
            written += match + MinMatch;
        }

        return written;
    }

    private static int Length(ReadOnlySpan<byte> block, ref int read, int start, string path)
    {
        if (start != LengthEscape)
        {
            return start;
        }

        int length = start;
        byte more = 255;
        while (more == 255)
        {
            if (read == block.Length || length > MaxBlockBytes)
            {
                throw Damaged(path, "a length does not end");
            }

            more = block[read++];
            length += more;
        }

        return length;
    }

    private static void CopyMatch(Span<byte> target, int written, int distance, int match, string path)
    {
        // match is at most MaxBlockBytes + 255 here, so adding four cannot wrap.
        int count = match + MinMatch;
        if (distance == 0 || distance > written || count > target.Length - written)
        {
            throw Damaged(path, $"a match of {count} bytes, {distance} back, does not fit");
        }

        Span<byte> to = target.Slice(written, count);
        if (distance >= count)
        {
            target.Slice(written - distance, count).CopyTo(to);
            return;
        }

        // Source and target overlap: the bytes just written repeat, so the copy goes forward one by one.
        int from = written - distance;
        for (int i = 0; i < count; i++)
        {
            to[i] = target[from + i];
        }
    }

    private static GuestImageException Damaged(string path, string what) => new(Step, path, $"damaged LZ4 data: {what}");
}
