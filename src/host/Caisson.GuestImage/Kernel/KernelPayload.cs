using System.Buffers.Binary;

namespace Caisson.GuestImage;

/// <summary>Undoes the compression of a kernel: LZ4 (Debian's cloud kernels) here, gzip, xz and zstd by their programs, the others by their name in the error.</summary>
internal static class KernelPayload
{
    private const string Step = "decompress kernel";

    // A distribution kernel is 30 to 80 MB; the size is a number in a foreign file and is allocated at once.
    private const uint MaxKernelBytes = 512u << 20;

    // Deflate's best ratio (RFC 1951: 258 bytes from two bits); LZ4's is 255. A small file cannot claim a large kernel.
    private const uint MaxRatio = 1032;

    internal static byte[] Decompress(ReadOnlySpan<byte> payload, string path)
    {
        if (payload.Length < 8)
        {
            throw new GuestImageException(Step, path, $"damaged: a compressed kernel of {payload.Length} bytes");
        }

        // The last four bytes tell the uncompressed size: gzip ends so by itself, to the other formats the kernel's build appends it.
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(payload[^4..]);
        ulong limit = Math.Min(MaxKernelBytes, (ulong)payload.Length * MaxRatio);
        if (size == 0 || size > limit)
        {
            throw new GuestImageException(Step, path, $"damaged: it claims {size} bytes of kernel in {payload.Length} compressed ones (limit {limit})");
        }

        if (payload.StartsWith(Lz4Legacy.Magic))
        {
            byte[] kernel = new byte[size];
            Lz4Legacy.Decompress(payload[..^4], kernel, path);
            return kernel;
        }

        return payload switch
        {
            [0x1f, 0x8b, ..] => Unpack("gzip", payload, size, path),
            [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, ..] => Unpack("xz", payload[..^4], size, path),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Unpack("zstd", payload[..^4], size, path),
            _ => throw Unsupported(payload, path),
        };
    }

    private static byte[] Unpack(string program, ReadOnlySpan<byte> payload, uint size, string path)
    {
        byte[] kernel = Unpacker.Unpack(program, payload, (int)size, Step, path);
        return kernel.Length == size
            ? kernel
            : throw new GuestImageException(Step, path, $"damaged: {kernel.Length} bytes of kernel where {size} are due");
    }

    private static GuestImageException Unsupported(ReadOnlySpan<byte> payload, string path)
    {
        string? name = Name(payload);
        return new GuestImageException(Step, path, name is null
            ? $"compressed in an unknown way (it starts with {Convert.ToHexString(payload[..4])}); use a bzImage with LZ4, gzip, xz or zstd, or an uncompressed vmlinux"
            : $"compressed with {name}, which is not supported; use a kernel compressed with LZ4 (linux-image-cloud-amd64 of Debian 12), gzip, xz or zstd, " +
              "or give an uncompressed vmlinux (scripts/extract-vmlinux in the kernel's sources makes one)");
    }

    private static string? Name(ReadOnlySpan<byte> payload) => payload switch
    {
        [0x42, 0x5a, 0x68, ..] => "bzip2",
        [0x5d, 0x00, 0x00, ..] => "lzma",
        [0x89, 0x4c, 0x5a, 0x4f, ..] => "lzo",
        _ => null,
    };
}
