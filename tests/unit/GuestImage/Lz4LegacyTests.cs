using System.Buffers.Binary;
using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

public sealed class Lz4LegacyTests
{
    // Three literals, then a match of eleven bytes one back (it overlaps what it writes), then five literals.
    private static readonly byte[] s_block = [0x37, (byte)'a', (byte)'b', (byte)'c', 1, 0, 0x50, (byte)'v', (byte)'w', (byte)'x', (byte)'y', (byte)'z'];

    [Fact]
    public void Overlapping_match_repeats_the_last_byte()
    {
        byte[] target = new byte[19];
        Lz4Legacy.Decompress(Frame(s_block), target, "test");
        Assert.Equal("abccccccccccccvwxyz"u8, target);
    }

    [Fact]
    public void Long_lengths_continue_in_further_bytes()
    {
        byte[] literals = new byte[15 + 255 + 7];
        Random.Shared.NextBytes(literals);
        byte[] target = new byte[literals.Length];
        Lz4Legacy.Decompress(Frame([0xf0, 255, 7, .. literals]), target, "test");
        Assert.Equal(literals, target);
    }

    [Fact]
    public void Frame_that_ends_early_is_refused()
    {
        byte[] target = new byte[38];
        Assert.Throws<GuestImageException>(() => Lz4Legacy.Decompress(Frame(s_block), target, "test"));
    }

    [Theory]
    [InlineData(new byte[] { 0x10 }, "literals")]
    [InlineData(new byte[] { 0x10, 1, 0 }, "offset is cut off")]
    [InlineData(new byte[] { 0x10, 1, 0, 0, 0 }, "0 back")]
    [InlineData(new byte[] { 0x10, 1, 2, 0, 0 }, "2 back")]
    [InlineData(new byte[] { 0xf0, 255, 255 }, "does not end")]
    [InlineData(new byte[] { 0x1f, 1, 1, 0, 255, 0 }, "does not fit")]
    public void Damaged_block_is_an_error_that_names_the_damage(byte[] block, string what)
    {
        var error = Assert.Throws<GuestImageException>(() => Lz4Legacy.DecompressBlock(block, new byte[64], "vmlinuz"));
        Assert.Contains("vmlinuz", error.Message);
        Assert.Contains(what, error.Message);
    }

    [Fact]
    public void Every_changed_byte_gives_bytes_or_an_error_and_never_leaves_the_buffers()
    {
        byte[] frame = Frame(s_block);
        for (int at = Lz4Legacy.Magic.Length; at < frame.Length; at++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = [.. frame];
                changed[at] = (byte)value;
                try
                {
                    Lz4Legacy.Decompress(changed, new byte[19], "test");
                }
                catch (GuestImageException)
                {
                    // The only exception that may come out.
                }
            }
        }
    }

    private static byte[] Frame(byte[] block)
    {
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, block.Length);
        return [.. Lz4Legacy.Magic, .. size, .. block];
    }
}
