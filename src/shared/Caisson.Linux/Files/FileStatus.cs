namespace Caisson.Linux;

/// <summary>The kind of a file: the S_IFMT bits of a mode.</summary>
public enum FileType : ushort
{
    /// <summary>No such kind.</summary>
    Unknown = 0,

    /// <summary>S_IFIFO.</summary>
    Fifo = 0x1000,

    /// <summary>S_IFCHR.</summary>
    CharacterDevice = 0x2000,

    /// <summary>S_IFDIR.</summary>
    Directory = 0x4000,

    /// <summary>S_IFBLK.</summary>
    BlockDevice = 0x6000,

    /// <summary>S_IFREG.</summary>
    Regular = 0x8000,

    /// <summary>S_IFLNK.</summary>
    SymbolicLink = 0xA000,

    /// <summary>S_IFSOCK.</summary>
    Socket = 0xC000,
}

/// <summary>A device's numbers.</summary>
/// <param name="Major">The driver.</param>
/// <param name="Minor">The device.</param>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>dev_t as glibc and the kernel's 64-bit calls encode it (makedev(3)).</summary>
    public ulong ToDev() =>
        ((ulong)(Major & 0xFFFFF000) << 32) | ((ulong)(Major & 0xFFF) << 8) | ((ulong)(Minor & 0xFFFFFF00) << 12) | (Minor & 0xFF);

    /// <inheritdoc/>
    public override string ToString() => $"{Major}:{Minor}";
}

/// <summary>What statx(2) says about a file.</summary>
/// <param name="Type">Its kind.</param>
/// <param name="Mode">Its permission bits, 07777.</param>
/// <param name="UserId">Its owner.</param>
/// <param name="GroupId">Its group.</param>
/// <param name="Links">The number of names.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Inode">Its number within <paramref name="Device"/>.</param>
/// <param name="Device">The file system's device.</param>
/// <param name="Node">The device that a device node stands for.</param>
/// <param name="MountId">The mount through which it was reached; 0 where the kernel does not tell (before 5.8).</param>
/// <param name="ModifiedUnixNanoseconds">Time of the last change of content.</param>
public readonly record struct FileStatus(
    FileType Type,
    uint Mode,
    uint UserId,
    uint GroupId,
    uint Links,
    ulong Size,
    ulong Inode,
    DeviceNumber Device,
    DeviceNumber Node,
    ulong MountId,
    long ModifiedUnixNanoseconds)
{
    /// <summary>Whether both are the same file.</summary>
    public bool IsSameFile(FileStatus other) => Inode == other.Inode && Device == other.Device;
}
