using System.Text;

namespace Caisson.Linux;

/// <summary>
/// File system calls on paths of our own side, and on single names below a descriptor (which never follow a symlink out of it).
/// A container's path goes through <see cref="Rooted"/> first.
/// </summary>
public static partial class FileCalls
{
    private const int AT_SYMLINK_NOFOLLOW = 0x100;
    private const int AT_REMOVEDIR = 0x200;
    private const int AT_EMPTY_PATH = 0x1000;

    // PATH_MAX (include/uapi/linux/limits.h): the kernel cuts no link shorter than this.
    private const int MaxPath = 4096;

    /// <summary>Opens a file by a trusted path.</summary>
    public static FileFd Open(string path, OpenFlags flags, uint mode = 0)
    {
        var fd = new FileFd();
        Descriptors.Open(fd, null, path, flags, mode);
        return fd;
    }

    /// <summary>Opens a name below a directory.</summary>
    public static FileFd OpenAt(FileDescriptor directory, string path, OpenFlags flags, uint mode = 0)
    {
        var fd = new FileFd();
        Descriptors.Open(fd, directory, path, flags, mode);
        return fd;
    }

    /// <inheritdoc cref="Open"/>
    public static bool TryOpen(string path, OpenFlags flags, out FileFd fd, out Errno why, uint mode = 0)
    {
        fd = new FileFd();
        return Descriptors.TryOpen(fd, null, path, flags, mode, out why);
    }

    /// <inheritdoc cref="OpenAt"/>
    public static bool TryOpenAt(FileDescriptor directory, string path, OpenFlags flags, out FileFd fd, out Errno why, uint mode = 0)
    {
        fd = new FileFd();
        return Descriptors.TryOpen(fd, directory, path, flags, mode, out why);
    }

    /// <summary>Opens a directory below a directory without following a symlink.</summary>
    public static DirectoryFd OpenDirectory(FileDescriptor directory, string name)
    {
        var fd = new DirectoryFd();
        Descriptors.Open(fd, directory, name, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW, 0);
        return fd;
    }

    /// <summary>What a descriptor refers to; works on O_PATH descriptors, symlinks included.</summary>
    public static FileStatus Stat(FileDescriptor fd) =>
        TryStat(fd, "", AT_EMPTY_PATH, out FileStatus status, out Errno why) ? status : throw new SyscallException("statx", why);

    /// <summary>What a trusted path leads to.</summary>
    public static FileStatus Stat(string path, bool follow = true) =>
        TryStat(path, out FileStatus status, out Errno why, follow) ? status : throw new SyscallException($"statx({path})", why);

    /// <inheritdoc cref="Stat(string, bool)"/>
    public static bool TryStat(string path, out FileStatus status, out Errno why, bool follow = true) =>
        TryStat(Descriptors.WorkingDirectory, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, out status, out why);

    /// <summary>What a name below a directory is; a symlink is not followed.</summary>
    public static bool TryStatAt(FileDescriptor directory, string name, out FileStatus status, out Errno why) =>
        TryStat(directory, name, AT_SYMLINK_NOFOLLOW, out status, out why);

    private static bool TryStat(FileDescriptor directory, string path, int flags, out FileStatus status, out Errno why)
    {
        const uint STATX_BASIC_STATS = 0x7FF;
        const uint STATX_MNT_ID = 0x1000;
        bool found = Libc.statx(directory, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, out StatxBuffer buffer) == 0;
        why = found ? Errno.None : Libc.LastError;
        status = found ? buffer.ToStatus() : default;
        return found;
    }

    /// <summary>The target of a symlink named by an O_PATH | O_NOFOLLOW descriptor.</summary>
    public static string ReadLink(PathFd link) => ReadLink(link, "");

    /// <summary>The target of a symlink below a directory.</summary>
    public static string ReadLink(FileDescriptor directory, string name)
    {
        byte[] target = new byte[MaxPath];
        long length = Libc.Check(Libc.readlinkat(directory, name, target, MaxPath), $"readlink({name})");
        return Encoding.UTF8.GetString(target, 0, (int)length);
    }

    /// <summary>The target of a symlink at a trusted path.</summary>
    public static string ReadLink(string path) => ReadLink(Descriptors.WorkingDirectory, path);

    /// <summary>Makes a directory; the umask applies.</summary>
    public static bool TryMakeDirectory(FileDescriptor directory, string name, uint mode, out Errno why) =>
        Ok(Libc.mkdirat(directory, name, mode), out why);

    /// <summary>Makes a directory at a trusted path; the umask applies.</summary>
    public static bool TryMakeDirectory(string path, uint mode, out Errno why) =>
        TryMakeDirectory(Descriptors.WorkingDirectory, path, mode, out why);

    /// <summary>Makes a directory at a trusted path with exactly this mode.</summary>
    public static void MakeDirectory(string path, uint mode)
    {
        Libc.Check(Libc.mkdirat(Descriptors.WorkingDirectory, path, mode), $"mkdir({path})");
        ChangeMode(path, mode);
    }

    /// <summary>Makes a node with exactly this mode, whatever the umask is.</summary>
    public static void MakeNode(FileDescriptor directory, string name, FileType type, uint mode, DeviceNumber device = default)
    {
        Libc.Check(Libc.mknodat(directory, name, (uint)type | (mode & 0xFFF), device.ToDev()), $"mknod({name})");
        using PathFd made = OpenPathAt(directory, name);
        FileStatus status = Stat(made);
        if (status.Type == type && status.Mode != (mode & 0xFFF))
        {
            ChangeMode(made.ProcPath, mode);    // the umask took bits; needs /proc
        }
    }

    /// <summary>Makes a symlink named <paramref name="name"/>.</summary>
    public static void MakeSymbolicLink(string target, FileDescriptor directory, string name) =>
        Libc.Check(Libc.symlinkat(target, directory, name), $"symlink({name})");

    /// <summary>Names something below a directory; a symlink is not followed.</summary>
    public static PathFd OpenPathAt(FileDescriptor directory, string name)
    {
        var fd = new PathFd();
        Descriptors.Open(fd, directory, name, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW, 0);
        return fd;
    }

    /// <summary>Removes a name, or with <paramref name="isDirectory"/> an empty directory.</summary>
    public static void Remove(FileDescriptor directory, string name, bool isDirectory = false) =>
        Libc.Check(Libc.unlinkat(directory, name, isDirectory ? AT_REMOVEDIR : 0), $"unlink({name})");

    /// <inheritdoc cref="Remove(FileDescriptor, string, bool)"/>
    public static bool TryRemove(FileDescriptor directory, string name, bool isDirectory, out Errno why) =>
        Ok(Libc.unlinkat(directory, name, isDirectory ? AT_REMOVEDIR : 0), out why);

    /// <summary>Removes the file, or the empty directory, at a trusted path.</summary>
    public static bool TryRemove(string path, bool isDirectory, out Errno why) =>
        TryRemove(Descriptors.WorkingDirectory, path, isDirectory, out why);

    /// <summary>Renames within trusted paths, replacing what is there.</summary>
    public static void Rename(string from, string to) =>
        Libc.Check(Libc.renameat2(316, Descriptors.WorkingDirectory, from, Descriptors.WorkingDirectory, to, 0), $"rename({from}, {to})");

    /// <summary>Renames between directories; <paramref name="flags"/> as RENAME_NOREPLACE (1), RENAME_EXCHANGE (2).</summary>
    public static bool TryRename(FileDescriptor fromDirectory, string from, FileDescriptor toDirectory, string to, uint flags, out Errno why) =>
        Ok(Libc.renameat2(316, fromDirectory, from, toDirectory, to, flags), out why);

    /// <summary>Changes the owner of what a descriptor refers to (O_PATH works); -1 keeps.</summary>
    public static void ChangeOwner(FileDescriptor fd, uint userId, uint groupId) =>
        Libc.Check(Libc.fchownat(fd, "", userId, groupId, AT_EMPTY_PATH), $"chown(fd {fd.Number})");

    /// <summary>Changes the permission bits of an open file.</summary>
    public static void ChangeMode(FileDescriptor fd, uint mode) => Libc.Check(Libc.fchmod(fd, mode), "fchmod");

    /// <summary>Changes the permission bits of what a trusted path (such as <see cref="FileDescriptor.ProcPath"/>) leads to.</summary>
    public static void ChangeMode(string path, uint mode) =>
        Libc.Check(Libc.fchmodat(Descriptors.WorkingDirectory, path, mode, 0), $"chmod({path})");

    /// <summary>Changes a file's length.</summary>
    public static void Truncate(FileDescriptor fd, long lengthBytes) => Libc.Check(Libc.ftruncate(fd, lengthBytes), "ftruncate");

    /// <summary>Waits until the file's content is on the disk.</summary>
    public static void Synchronize(FileDescriptor fd) => Libc.Check(Libc.fsync(fd), "fsync");

    /// <summary>Takes a lock on the open file description, flock(2); it goes when the last duplicate closes.</summary>
    /// <param name="fd">The file.</param>
    /// <param name="exclusive">Alone, or with others that do not want it alone.</param>
    /// <param name="wait">Waits for others; else EWOULDBLOCK, which is EAGAIN.</param>
    /// <param name="why">Why not.</param>
    public static bool TryLock(FileDescriptor fd, bool exclusive, bool wait, out Errno why)
    {
        const int LOCK_SH = 1;
        const int LOCK_EX = 2;
        const int LOCK_NB = 4;
        bool locked;
        do
        {
            locked = Ok(Libc.flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)), out why);
        }
        while (why == Errno.EINTR);

        return locked;
    }

    /// <summary>Makes an open directory the working directory.</summary>
    public static void ChangeDirectory(FileDescriptor directory) => Libc.Check(Libc.fchdir(directory), "fchdir");

    /// <summary>Makes a path the working directory.</summary>
    public static void ChangeDirectory(string path)
    {
        if (!TryChangeDirectory(path, out Errno why))
        {
            throw new SyscallException($"chdir({path})", why);
        }
    }

    /// <inheritdoc cref="ChangeDirectory(string)"/>
    public static bool TryChangeDirectory(string path, out Errno why) => Ok(Libc.chdir(path), out why);

    /// <summary>Makes a path the root directory of this process.</summary>
    public static void ChangeRoot(string path) => Libc.Check(Libc.chroot(path), $"chroot({path})");

    /// <summary>Whether the real (or with <paramref name="effective"/> the effective) user may execute, read or write (X_OK 1, W_OK 2, R_OK 4).</summary>
    public static bool TryAccess(string path, int wanted, out Errno why, bool effective = true)
    {
        const int AT_EACCESS = 0x200;
        return Ok(Libc.faccessat2(439, Descriptors.WorkingDirectory, path, wanted, effective ? AT_EACCESS : 0), out why);
    }

    private static bool Ok(long result, out Errno why)
    {
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }
}
