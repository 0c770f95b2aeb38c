using System.Text;

namespace Caisson.GuestImage;

/// <summary>
/// Writes the kernel's initramfs format ("newc" cpio, Documentation/driver-api/early-userspace/buffer-format.rst).
/// The same entries give the same bytes: owners and times are zero, inode numbers count up, and the caller sorts.
/// </summary>
internal sealed class CpioWriter(Stream output)
{
    private const uint DirectoryType = 0x4000;     // S_IFDIR
    private const uint RegularType = 0x8000;       // S_IFREG
    private const uint CharacterType = 0x2000;     // S_IFCHR

    private uint _inode;
    private long _written;

    internal void Directory(string path, uint permissions) => Entry(path, DirectoryType | permissions, [], links: 2);

    internal void File(string path, uint permissions, ReadOnlySpan<byte> content) => Entry(path, RegularType | permissions, content);

    internal void CharacterDevice(string path, uint permissions, uint major, uint minor) =>
        Entry(path, CharacterType | permissions, [], major: major, minor: minor);

    /// <summary>Ends the archive; nothing may follow.</summary>
    internal void End()
    {
        _inode = uint.MaxValue;    // wraps to zero: the trailer has no inode
        Entry("TRAILER!!!", 0, []);
    }

    private void Entry(string path, uint mode, ReadOnlySpan<byte> content, uint links = 1, uint major = 0, uint minor = 0)
    {
        unchecked
        {
            _inode++;
        }

        byte[] name = Encoding.UTF8.GetBytes(path + '\0');
        ReadOnlySpan<uint> fields =
        [
            _inode, mode, 0, 0, links, 0, checked((uint)content.Length), 0, 0, major, minor, (uint)name.Length, 0,
        ];

        var header = new StringBuilder("070701", 110);
        foreach (uint field in fields)
        {
            header.Append(field.ToString("X8"));
        }

        Write(Encoding.ASCII.GetBytes(header.ToString()));
        Write(name);
        Pad();
        Write(content);
        Pad();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        _written += bytes.Length;
    }

    private void Pad() => Write(new byte[(int)(-_written & 3)]);
}
