namespace Caisson.GuestImage;

/// <summary>
/// The outer file that distributions ship: a small real-mode program and a compressed ELF kernel behind it.
/// Offsets are those of the kernel's Documentation/arch/x86/boot.rst.
/// </summary>
internal static class BzImage
{
    private const string Step = "read kernel";
    private const ulong SetupSectorsOffset = 0x1f1;
    private const ulong HeaderMagicOffset = 0x202;
    private const ulong ProtocolVersionOffset = 0x206;
    private const ulong KernelVersionOffset = 0x20e;
    private const ulong PayloadOffsetOffset = 0x248;
    private const ulong PayloadLengthOffset = 0x24c;
    private const uint HeaderMagic = 0x53726448;              // "HdrS"
    private const ushort FirstVersionWithPayload = 0x0208;    // payload_offset exists since protocol 2.08 (Linux 2.6.26)
    private const int SectorBytes = 512;
    private const int DefaultSetupSectors = 4;                // what a zero in setup_sects means
    private const int MaxVersionText = 512;

    internal static bool Looks(ReadOnlySpan<byte> file) =>
        file.Length > (int)PayloadLengthOffset + 4 && file.Slice((int)HeaderMagicOffset, 4).SequenceEqual("HdrS"u8);

    /// <summary>The compressed kernel, still followed by the four bytes that tell its uncompressed size.</summary>
    internal static ReadOnlySpan<byte> Payload(ReadOnlySpan<byte> file, string path)
    {
        var image = new ForeignBytes(file, Step, path);
        if (image.U32(HeaderMagicOffset) != HeaderMagic || image.U16(ProtocolVersionOffset) < FirstVersionWithPayload)
        {
            throw new GuestImageException(Step, path, "not an x86 bzImage of Linux 2.6.26 or later");
        }

        return image.Slice(ProtectedModeStart(image) + image.U32(PayloadOffsetOffset), image.U32(PayloadLengthOffset));
    }

    /// <summary>The release as uname -r will print it; empty when the image does not carry it.</summary>
    internal static string Release(ReadOnlySpan<byte> file, string path)
    {
        var image = new ForeignBytes(file, Step, path);
        ushort offset = image.U16(KernelVersionOffset);
        if (offset == 0)
        {
            return "";
        }

        string banner = image.Text((ulong)offset + SectorBytes, MaxVersionText);
        int space = banner.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 ? banner : banner[..space];
    }

    private static ulong ProtectedModeStart(ForeignBytes image)
    {
        int sectors = image.U8(SetupSectorsOffset);
        return (ulong)((sectors == 0 ? DefaultSetupSectors : sectors) + 1) * SectorBytes;
    }
}
