using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// An exclusive flock(2) on a directory. It belongs to the open file description, which children made by clone share:
/// <see cref="Unlock"/> gives it up for all of them, closing only for this process.
/// </summary>
public sealed class DirectoryLock : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public DirectoryLock()
    {
    }

    /// <summary>Takes the lock if nobody has it: EWOULDBLOCK (EAGAIN) when somebody has, ENOENT when there is no such directory.</summary>
    /// <param name="path">The directory; a symbolic link is refused.</param>
    /// <param name="taken">The lock.</param>
    /// <param name="why">The error.</param>
    public static bool TryTake(string path, [NotNullWhen(true)] out DirectoryLock? taken, out Errno why)
    {
        var directory = new DirectoryLock();
        taken = null;
        int number = Libc.open_lock(path, Libc.O_DIRECTORY_NOFOLLOW_CLOEXEC);
        if (number < 0)
        {
            why = Libc.LastError;
            return false;
        }

        directory.Adopt(number);
        if (Libc.flock_descriptor(number, Libc.LOCK_EX | Libc.LOCK_NB) < 0)
        {
            why = Libc.LastError;
            directory.Dispose();
            return false;
        }

        why = Errno.None;
        taken = directory;
        return true;
    }

    /// <summary>Whether the path still names the directory that is locked: it may have been removed, and made anew, while we waited.</summary>
    /// <param name="path">The path that the lock was taken by.</param>
    public bool IsStillAt(string path) =>
        Libc.fstat_lock(Number, out Libc.FileIdentity held) == 0
        && Libc.lstat_lock(path, out Libc.FileIdentity named) == 0
        && held.Device == named.Device
        && held.Inode == named.Inode;

    /// <summary>Gives the lock up, also for children that inherited it, and closes the directory.</summary>
    public void Unlock()
    {
        _ = Libc.flock_descriptor(Number, Libc.LOCK_UN);
        Dispose();
    }
}

internal static partial class Libc
{
    internal const int O_DIRECTORY_NOFOLLOW_CLOEXEC = 0x10000 | 0x20000 | 0x80000;
    internal const int LOCK_EX = 2;
    internal const int LOCK_NB = 4;
    internal const int LOCK_UN = 8;

    /// <summary>struct stat of x86-64 (144 bytes), of which only the identity is read here.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    internal struct FileIdentity
    {
        internal ulong Device;
        internal ulong Inode;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open_lock(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int flock_descriptor(int fd, int operation);

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    internal static partial int fstat_lock(int fd, out FileIdentity identity);

    [LibraryImport("libc", EntryPoint = "lstat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int lstat_lock(string path, out FileIdentity identity);
}
