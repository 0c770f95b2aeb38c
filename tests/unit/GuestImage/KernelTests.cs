using System.Buffers.Binary;
using System.IO.Compression;
using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

public sealed class KernelTests
{
    private const int MemoryBytes = 0x1000000 + (1 << 20);

    [Fact]
    public void Kernel_tells_its_pvh_entry()
    {
        Assert.Equal(0x1000850u, KernelElf.Parse(ForeignElf.Kernel([1, 2, 3]), "test").PvhEntry);
    }

    [Fact]
    public void Kernel_without_a_pvh_note_is_refused_with_the_remedy()
    {
        var error = Assert.Throws<GuestImageException>(() => KernelElf.Parse(ForeignElf.Kernel([1, 2, 3], noteType: 6), "vmlinux"));
        Assert.Contains("CONFIG_PVH=y", error.Message);
    }

    [Fact]
    public void Segment_outside_the_file_is_refused()
    {
        byte[] file = ForeignElf.Kernel([1, 2, 3]);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(64 + 8), ulong.MaxValue - 1);
        Assert.Contains("outside", Assert.Throws<GuestImageException>(() => KernelElf.Parse(file, "vmlinux")).Message);
    }

    [Fact]
    public void Every_changed_header_byte_gives_a_kernel_or_an_error()
    {
        byte[] file = ForeignElf.Kernel([1, 2, 3]);
        for (int at = 0; at < 64 + (2 * 56) + 20; at++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                byte[] changed = [.. file];
                changed[at] = value;
                try
                {
                    LoadableKernel.Write(KernelElf.Parse(changed, "test"), Stream.Null);
                }
                catch (GuestImageException)
                {
                    // The only exception that may come out.
                }
            }
        }
    }

    [Fact]
    public void Loadable_kernel_puts_the_same_bytes_into_memory_and_leaves_long_zero_runs_out()
    {
        byte[] content = new byte[900_001];
        content[5] = 1;
        content.AsSpan(200_000, 50_000).Fill(7);
        content[^1] = 9;
        byte[] original = ForeignElf.Kernel(content);

        using var written = new MemoryStream();
        LoadableKernel.Write(KernelElf.Parse(original, "test"), written);

        Assert.True(written.Length < 100_000, $"{written.Length} bytes");
        Assert.Equal(ForeignElf.Load(original, MemoryBytes), ForeignElf.Load(written.ToArray(), MemoryBytes));
        Assert.Equal(0x1000850u, KernelElf.Parse(written.ToArray(), "test").PvhEntry);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public void Ranges_of_one_value_are_one_range_or_none(byte value, int expected)
    {
        byte[] data = new byte[100_000];
        data.AsSpan().Fill(value == 0 ? (byte)0 : (byte)3);
        Assert.Equal(expected, LoadableKernel.Occupied(data).Count);
    }

    [Fact]
    public void Gzip_kernel_is_decompressed()
    {
        byte[] kernel = ForeignElf.Kernel([1, 2, 3]);

        Assert.Equal(kernel, KernelPayload.Decompress(Gzipped(kernel), "test"));
    }

    [Fact]
    public void Gzip_kernel_that_unpacks_to_more_than_it_says_is_refused()
    {
        byte[] payload = Gzipped(new byte[1 << 20]);
        BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(^4..), 4096);

        Assert.Contains("more than 4096 bytes", Assert.Throws<GuestImageException>(() => KernelPayload.Decompress(payload, "vmlinuz")).Message);
    }

    [Theory]
    [InlineData(new byte[] { 0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 1, 0, 0 }, "gzip")]
    [InlineData(new byte[] { 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0, 0, 0, 1, 0, 0 }, "xz")]
    [InlineData(new byte[] { 0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, 1, 0, 0 }, "zstd")]
    public void Damaged_kernel_names_the_program_that_refused_it(byte[] payload, string program)
    {
        string message = Assert.Throws<GuestImageException>(() => KernelPayload.Decompress(payload, "vmlinuz")).Message;

        // A host without the program says so.
        Assert.Matches($"damaged: `{program} -dc` ended with|compressed with {program}, and this host has no such program", message);
    }

    [Theory]
    [InlineData(new byte[] { 0x42, 0x5a, 0x68, 0x39, 0, 0, 0, 0, 0, 1, 0, 0 }, "bzip2")]
    [InlineData(new byte[] { 0x89, 0x4c, 0x5a, 0x4f, 0, 0, 0, 0, 0, 1, 0, 0 }, "lzo")]
    public void Unsupported_compression_is_named(byte[] payload, string name)
    {
        var error = Assert.Throws<GuestImageException>(() => KernelPayload.Decompress(payload, "vmlinuz"));
        Assert.Contains($"compressed with {name},", error.Message);
    }

    [Fact]
    public void Implausible_size_is_refused_before_memory_is_taken()
    {
        byte[] payload = [.. Lz4Legacy.Magic, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        Assert.Contains("claims 4294967295 bytes", Assert.Throws<GuestImageException>(() => KernelPayload.Decompress(payload, "vmlinuz")).Message);
    }

    [Fact]
    public void Small_file_cannot_claim_more_than_any_compression_gives()
    {
        byte[] payload = [.. Lz4Legacy.Magic, 0, 0, 0, 0, 0, 0, 0, 0x10];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains("claims 268435456 bytes", Assert.Throws<GuestImageException>(() => KernelPayload.Decompress(payload, "vmlinuz")).Message);

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    private static byte[] Gzipped(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }
}
