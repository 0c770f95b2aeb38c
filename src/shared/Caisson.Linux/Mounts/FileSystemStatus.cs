using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct statfs of x86-64.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct StatfsBuffer
{
    [FieldOffset(0)] internal long Type;
    [FieldOffset(8)] internal long BlockSize;
    [FieldOffset(16)] internal ulong Blocks;
    [FieldOffset(24)] internal ulong FreeBlocks;
    [FieldOffset(32)] internal ulong AvailableBlocks;
    [FieldOffset(80)] internal long Flags;
}

/// <summary>What statfs(2) says about a mounted file system.</summary>
/// <param name="Type">The magic number (include/uapi/linux/magic.h).</param>
/// <param name="Flags">ST_*: equal to MS_* for RDONLY, NOSUID, NODEV, NOEXEC, SYNCHRONOUS, MANDLOCK, NOATIME and NODIRATIME.</param>
/// <param name="SizeBytes">All of it.</param>
/// <param name="AvailableBytes">What an unprivileged user can still write.</param>
public readonly record struct FileSystemStatus(long Type, ulong Flags, ulong SizeBytes, ulong AvailableBytes)
{
    /// <summary>TMPFS_MAGIC.</summary>
    public const long Tmpfs = 0x01021994;

    /// <summary>PROC_SUPER_MAGIC.</summary>
    public const long Proc = 0x9fa0;

    /// <summary>SYSFS_MAGIC.</summary>
    public const long Sysfs = 0x62656572;

    /// <summary>CGROUP2_SUPER_MAGIC.</summary>
    public const long Cgroup2 = 0x63677270;

    /// <summary>CGROUP_SUPER_MAGIC.</summary>
    public const long Cgroup1 = 0x27e0eb;

    /// <summary>NSFS_MAGIC.</summary>
    public const long Nsfs = 0x6e736673;

    /// <summary>OVERLAYFS_SUPER_MAGIC.</summary>
    public const long Overlay = 0x794c7630;

    private const ulong ST_RELATIME = 0x1000;
    private const ulong ST_NOSYMFOLLOW = 0x2000;
    private const ulong SameAsMountFlags = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x400 | 0x800;

    /// <summary>The per-mount flags as mount(2) wants them, for a remount that keeps what the kernel locked.</summary>
    public MountFlags MountFlags =>
        (MountFlags)(Flags & SameAsMountFlags)
        | ((Flags & ST_RELATIME) != 0 ? MountFlags.MS_RELATIME : 0)
        | ((Flags & ST_NOSYMFOLLOW) != 0 ? MountFlags.MS_NOSYMFOLLOW : 0);

    /// <summary>The file system that a descriptor (O_PATH works) is on.</summary>
    public static FileSystemStatus Of(FileDescriptor fd)
    {
        Libc.Check(Libc.fstatfs(fd, out StatfsBuffer buffer), $"fstatfs(fd {fd.Number})");
        return From(buffer);
    }

    /// <summary>The file system that a trusted path is on.</summary>
    public static FileSystemStatus Of(string path)
    {
        Libc.Check(Libc.statfs(path, out StatfsBuffer buffer), $"statfs({path})");
        return From(buffer);
    }

    private static FileSystemStatus From(StatfsBuffer buffer) => new(
        buffer.Type,
        (ulong)buffer.Flags,
        buffer.Blocks * (ulong)buffer.BlockSize,
        buffer.AvailableBlocks * (ulong)buffer.BlockSize);
}
