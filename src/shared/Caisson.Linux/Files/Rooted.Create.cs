namespace Caisson.Linux;

/// <summary>Creating things inside a root.</summary>
public static partial class Rooted
{
    // MAXSYMLINKS of the kernel (include/linux/namei.h).
    private const int MaxSymlinks = 40;

    /// <summary>
    /// Makes every missing directory of a path, step by step, and names the last one. Existing ones keep their mode; made ones have exactly
    /// <paramref name="mode"/>, whatever the umask is. A dangling symlink's target is made, inside the root.
    /// </summary>
    public static PathFd MakeDirectories(FileDescriptor root, string path, uint mode)
    {
        if (TryOpenPath(root, path, out PathFd existing, out Errno why, OpenFlags.O_DIRECTORY))
        {
            return existing;
        }

        existing.Dispose();
        if (why != Errno.ENOENT)
        {
            throw new SyscallException($"openat2({path})", why);
        }

        using var walk = new DirectoryWalk(root, path);
        return walk.MakeAll(mode);
    }

    /// <summary>Makes an empty file, and its parents with mode 0755, unless the path already leads to something; names it. A target for bind mounts.</summary>
    public static PathFd MakeFile(FileDescriptor root, string path, uint mode)
    {
        if (TryOpenPath(root, path, out PathFd existing, out Errno why))
        {
            return existing;
        }

        existing.Dispose();
        if (why != Errno.ENOENT)
        {
            throw new SyscallException($"openat2({path})", why);
        }

        using RootedParent parent = MakeParent(root, path);
        // Through the root again, so that a dangling symlink as the last component creates its target.
        using FileFd made = Open(root, path, OpenFlags.O_CREAT | OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY, mode);
        return OpenPath(root, path);
    }

    /// <summary>Names the parent directory of a path, which must exist; the last component is left alone.</summary>
    public static RootedParent OpenParent(FileDescriptor root, string path)
    {
        (string directory, string name) = Split(path);
        return new RootedParent(OpenPath(root, directory, OpenFlags.O_DIRECTORY), name);
    }

    /// <summary>As <see cref="OpenParent"/>, but makes missing directories.</summary>
    public static RootedParent MakeParent(FileDescriptor root, string path, uint mode = 0x1ED /* 0755 */)
    {
        (string directory, string name) = Split(path);
        return new RootedParent(MakeDirectories(root, directory, mode), name);
    }

    /// <summary>Makes a device node, FIFO, socket or regular file with exactly this mode; parents are made with 0755.</summary>
    /// <exception cref="SyscallException">EEXIST if the name is taken.</exception>
    public static void MakeNode(FileDescriptor root, string path, FileType type, uint mode, DeviceNumber device = default)
    {
        using RootedParent parent = MakeParent(root, path);
        FileCalls.MakeNode(parent.Directory, parent.Name, type, mode, device);
    }

    /// <summary>Makes a symlink; parents are made with 0755. The target's text is not resolved.</summary>
    /// <exception cref="SyscallException">EEXIST if the name is taken.</exception>
    public static void MakeSymbolicLink(FileDescriptor root, string path, string target)
    {
        using RootedParent parent = MakeParent(root, path);
        FileCalls.MakeSymbolicLink(target, parent.Directory, parent.Name);
    }

    /// <summary>Removes a file or symlink, or with <paramref name="directory"/> an empty directory.</summary>
    public static void Remove(FileDescriptor root, string path, bool directory = false)
    {
        using RootedParent parent = OpenParent(root, path);
        FileCalls.Remove(parent.Directory, parent.Name, directory);
    }

    private static (string Directory, string Name) Split(string path)
    {
        string trimmed = path.TrimEnd('/');
        int slash = trimmed.LastIndexOf('/');
        string name = trimmed[(slash + 1)..];
        if (name is "" or "." or "..")
        {
            throw new SyscallException($"parent of {path}", Errno.EINVAL);
        }

        return (slash <= 0 ? "/" : trimmed[..slash], name);
    }

    /// <summary>A walk that holds one descriptor for each directory between the root and here, so that ".." never asks the kernel.</summary>
    private sealed class DirectoryWalk : IDisposable
    {
        private readonly FileDescriptor _root;
        private readonly string _path;
        private readonly Stack<PathFd> _entered = new();
        private readonly Stack<string> _pending = new();
        private int _symlinks;

        internal DirectoryWalk(FileDescriptor root, string path)
        {
            _root = root;
            _path = path;
            Push(path);
        }

        private FileDescriptor Here => _entered.Count == 0 ? _root : _entered.Peek();

        internal PathFd MakeAll(uint mode)
        {
            while (_pending.TryPop(out string? name))
            {
                Step(name, mode);
            }

            return _entered.Count == 0 ? OpenPath(_root, "/") : _entered.Pop();
        }

        private void Step(string name, uint mode)
        {
            if (name == "..")
            {
                if (_entered.TryPop(out PathFd? left))
                {
                    left.Dispose();
                }

                return;
            }

            PathFd next = Enter(name, mode);
            switch (FileCalls.Stat(next).Type)
            {
                case FileType.Directory:
                    _entered.Push(next);
                    break;
                case FileType.SymbolicLink:
                    Follow(next);
                    break;
                default:
                    next.Dispose();
                    throw new SyscallException($"mkdir({_path}): {name}", Errno.ENOTDIR);
            }
        }

        private PathFd Enter(string name, uint mode)
        {
            var next = new PathFd();
            OpenFlags flags = OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW;
            if (TryFill(next, Here, name, flags, 0, ResolveFlags.RESOLVE_BENEATH, out Errno why))
            {
                return next;
            }

            if (why != Errno.ENOENT)
            {
                throw new SyscallException($"openat2({_path}): {name}", why);
            }

            if (FileCalls.TryMakeDirectory(Here, name, mode, out why))
            {
                // mkdir obeyed the umask. Opened without following, so that a swapped symlink cannot redirect the chmod.
                using DirectoryFd made = FileCalls.OpenDirectory(Here, name);
                FileCalls.ChangeMode(made, mode);
            }
            else if (why != Errno.EEXIST)
            {
                throw new SyscallException($"mkdir({_path}): {name}", why);
            }

            Fill(next, Here, name, flags, 0, ResolveFlags.RESOLVE_BENEATH);
            return next;
        }

        private void Follow(PathFd link)
        {
            string target;
            using (link)
            {
                target = FileCalls.ReadLink(link);
            }

            if (++_symlinks > MaxSymlinks)
            {
                throw new SyscallException($"mkdir({_path})", Errno.ELOOP);
            }

            if (target.StartsWith('/'))
            {
                LeaveAll();
            }

            Push(target);
        }

        private void Push(string path)
        {
            string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            for (int i = names.Length - 1; i >= 0; i--)
            {
                if (names[i] != ".")
                {
                    _pending.Push(names[i]);
                }
            }
        }

        private void LeaveAll()
        {
            while (_entered.TryPop(out PathFd? left))
            {
                left.Dispose();
            }
        }

        public void Dispose() => LeaveAll();
    }
}

/// <summary>A parent directory and the name of something in it, existing or not.</summary>
/// <param name="Directory">Owned by this object.</param>
/// <param name="Name">One component, never "." or "..".</param>
public sealed record RootedParent(PathFd Directory, string Name) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();
}
