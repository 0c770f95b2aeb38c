namespace Caisson.Linux;

/// <summary>
/// Paths of a container or a guest, walked as if <c>root</c> were "/": symlinks and ".." stay inside (openat2(2), RESOLVE_IN_ROOT).
/// No path that the other side controls is resolved in any other way.
/// </summary>
public static partial class Rooted
{
    // openat2 answers EAGAIN when a rename or mount anywhere raced with ".."; a hostile container can cause that for ever.
    private const int MaxRaces = 128;

    /// <summary>Opens a file inside the root.</summary>
    /// <param name="root">The directory that "/" means.</param>
    /// <param name="path">Absolute or relative; both start at the root.</param>
    /// <param name="flags">As for open(2); O_CREAT creates with <paramref name="mode"/> less the umask.</param>
    /// <param name="mode">Permissions of a created file.</param>
    /// <param name="resolve">More restrictions, such as RESOLVE_NO_SYMLINKS.</param>
    public static FileFd Open(FileDescriptor root, string path, OpenFlags flags, uint mode = 0, ResolveFlags resolve = 0)
    {
        var fd = new FileFd();
        Fill(fd, root, path, flags, mode, resolve);
        return fd;
    }

    /// <inheritdoc cref="Open"/>
    public static bool TryOpen(FileDescriptor root, string path, OpenFlags flags, out FileFd fd, out Errno why)
    {
        fd = new FileFd();
        return TryFill(fd, root, path, flags, 0, 0, out why);
    }

    /// <summary>Names an object inside the root without opening it. Symlinks are followed unless <paramref name="flags"/> has O_NOFOLLOW.</summary>
    public static PathFd OpenPath(FileDescriptor root, string path, OpenFlags flags = 0)
    {
        var fd = new PathFd();
        Fill(fd, root, path, OpenFlags.O_PATH | flags, 0, 0);
        return fd;
    }

    /// <inheritdoc cref="OpenPath"/>
    public static bool TryOpenPath(FileDescriptor root, string path, out PathFd fd, out Errno why, OpenFlags flags = 0)
    {
        fd = new PathFd();
        return TryFill(fd, root, path, OpenFlags.O_PATH | flags, 0, 0, out why);
    }

    /// <summary>Opens a directory inside the root for reading.</summary>
    public static DirectoryFd OpenDirectory(FileDescriptor root, string path)
    {
        var fd = new DirectoryFd();
        Fill(fd, root, path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0, 0);
        return fd;
    }

    /// <summary>Whether the path leads to something inside the root.</summary>
    /// <exception cref="SyscallException">Any answer but "no such file" (ENOENT, ENOTDIR).</exception>
    public static bool Exists(FileDescriptor root, string path)
    {
        bool found = TryOpenPath(root, path, out PathFd fd, out Errno why);
        fd.Dispose();
        return found || (why is Errno.ENOENT or Errno.ENOTDIR ? false : throw new SyscallException($"openat2({path})", why));
    }

    /// <summary>The target of a symlink inside the root; the link itself is not followed.</summary>
    public static string ReadLink(FileDescriptor root, string path)
    {
        using PathFd link = OpenPath(root, path, OpenFlags.O_NOFOLLOW);
        return FileCalls.ReadLink(link);
    }

    internal static void Fill(FileDescriptor into, FileDescriptor root, string path, OpenFlags flags, uint mode, ResolveFlags resolve)
    {
        if (!TryFill(into, root, path, flags, mode, resolve, out Errno why))
        {
            // No fallback: a walk in user space cannot be made safe against renames as cheaply, and every supported kernel has the call.
            throw new SyscallException(why == Errno.ENOSYS ? $"openat2({path}), which needs Linux 5.6" : $"openat2({path})", why);
        }
    }

    internal static bool TryFill(
        FileDescriptor into, FileDescriptor root, string path, OpenFlags flags, uint mode, ResolveFlags resolve, out Errno why)
    {
        ResolveFlags scope = (resolve & ResolveFlags.RESOLVE_BENEATH) == 0 ? ResolveFlags.RESOLVE_IN_ROOT : 0;

        // Magic links of a mounted /proc lead out of every root; openat2 refuses them under RESOLVE_IN_ROOT today, and promises nothing.
        return TryOpenAt2(into, root, path, flags, mode, resolve | scope | ResolveFlags.RESOLVE_NO_MAGICLINKS, out why);
    }

    private static bool TryOpenAt2(
        FileDescriptor into, FileDescriptor root, string path, OpenFlags flags, uint mode, ResolveFlags resolve, out Errno why)
    {
        bool creates = (flags & OpenFlags.O_CREAT) != 0 || (flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
        var how = new OpenHow
        {
            Flags = (ulong)(flags | OpenFlags.O_CLOEXEC),
            Mode = creates ? mode & 0xFFF : 0,        // openat2 refuses a mode where nothing can be created
            Resolve = (ulong)resolve,
        };

        int races = 0;
        while (true)
        {
            long number = Libc.openat2(437, root, path, in how, OpenHow.Size);
            why = number < 0 ? Libc.LastError : Errno.None;
            if (number >= 0)
            {
                into.Adopt((int)number);
                return true;
            }

            if (why == Errno.EINTR || (why == Errno.EAGAIN && races++ < MaxRaces))
            {
                continue;
            }

            return false;
        }
    }
}
