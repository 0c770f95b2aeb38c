using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// A stand-in for this program's file that nobody can write through /proc/PID/exe (CVE-2019-5736). A process runs from it before it
/// joins anything of a container: a read-only mount of the file that is attached nowhere, or a sealed copy in memory.
/// </summary>
public static unsafe class SelfExecutable
{
    private const string OwnFile = "/proc/self/exe";
    private const int AtFdcwd = -100;
    private const uint OpenTreeCloneCloexec = 0x80001; // OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    private const ulong MountAttrReadOnly = 1;
    private const ulong MountAttrNoDev = 4;
    private const long StatReadOnly = 1;
    private const int MemfdCloexecSealing = 3;
    private const int GetSeals = 1034;
    private const int AllSeals = (int)MemFdSeals.All;

    /// <summary>Whether this process already runs from such a stand-in.</summary>
    public static bool IsProtected
    {
        get
        {
            using var self = new FileFd();
            self.Adopt(Libc.Check(Libc.open_path(OwnFile, 0x80000), $"open({OwnFile})"));
            return IsProtectedFile(self);
        }
    }

    /// <summary>Opens a stand-in for the running program, to be executed by descriptor.</summary>
    public static FileFd OpenProtected()
    {
        try
        {
            return OpenReadOnlyClone();
        }
        catch (SyscallException refused) when (refused.Errno is Errno.EPERM or Errno.ENOSYS or Errno.EINVAL)
        {
            return CopyToSealedMemory();
        }
    }

    /// <summary>Whether a file can be written by nobody who reaches it through this descriptor's path.</summary>
    internal static bool IsProtectedFile(FileDescriptor file)
    {
        long* status = stackalloc long[16]; // struct statfs of x86-64 is 120 bytes; f_flags is its eleventh word
        // SAFETY: the buffer of 128 bytes is larger than the structure.
        Libc.Check(Libc.fstatfs_words(file.Number, status), $"fstatfs({OwnFile})");
        if ((status[10] & StatReadOnly) != 0)
        {
            return true;
        }

        int seals = Libc.fcntl_flags(file.Number, GetSeals, 0);
        return seals >= 0 && (seals & AllSeals) == AllSeals;
    }

    // Needs CAP_SYS_ADMIN over the mount namespace; copies nothing.
    internal static FileFd OpenReadOnlyClone()
    {
        using var tree = new FileFd();
        fixed (byte* path = "/proc/self/exe\0"u8)
        {
            // SAFETY: a constant with its NUL, pinned for the call.
            tree.Adopt((int)Libc.Check(Libc.syscall(Libc.SYS_open_tree, AtFdcwd, (long)path, OpenTreeCloneCloexec), $"open_tree({OwnFile})"));
        }

        ulong* attributes = stackalloc ulong[4] { MountAttrReadOnly | MountAttrNoDev, 0, 0, 0 };
        byte empty = 0;
        // SAFETY: struct mount_attr is four words, as this buffer; the path is one NUL.
        Libc.Check(Libc.syscall(Libc.SYS_mount_setattr, tree.Number, (long)(&empty), Libc.AT_EMPTY_PATH, (long)attributes, 32), $"mount_setattr({OwnFile}, read-only)");

        // The tree's own descriptor is O_PATH, which execveat takes, but scripts and fstatfs are happier with an open file.
        var file = new FileFd();
        file.Adopt(Libc.Check(Libc.open_path(tree.ProcPath, 0x80000), $"open({OwnFile} by its clone)"));
        return file;
    }

    internal static FileFd CopyToSealedMemory()
    {
        using var source = new FileFd();
        source.Adopt(Libc.Check(Libc.open_path(OwnFile, 0x80000), $"open({OwnFile})"));
        var copy = new FileFd();
        fixed (byte* name = "caisson\0"u8)
        {
            // SAFETY: a constant with its NUL, pinned for the call.
            copy.Adopt(Libc.Check(Libc.memfd_named(name, MemfdCloexecSealing), "memfd_create"));
        }

        const int ChunkBytes = 0x7ffff000; // MAX_RW_COUNT
        nint moved;
        do
        {
            moved = Libc.sendfile(copy.Number, source.Number, null, ChunkBytes);
            Libc.Check(moved, $"sendfile({OwnFile})");
        }
        while (moved > 0);
        MemFd.Seal(copy, MemFdSeals.All);
        return copy;
    }
}

internal static unsafe partial class Libc
{
    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int fstatfs_words(int fd, long* status);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true)]
    internal static partial int memfd_named(byte* name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint sendfile(int to, int from, long* offset, nuint count);
}
