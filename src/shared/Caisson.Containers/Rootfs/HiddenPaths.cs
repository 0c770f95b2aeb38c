using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// <c>linux.maskedPaths</c> and <c>linux.readonlyPaths</c>. A path that does not exist is nothing to hide. Those in procfs and sysfs are
/// looked up in the file systems that were mounted, not by what /proc and /sys lead to by now: a neighbour that shares the root file
/// system could have exchanged them for symlinks, and nothing would be hidden (CVE-2019-19921, CVE-2023-27561).
/// </summary>
internal sealed class HiddenPaths : IDisposable
{
    private static readonly DeviceNumber s_null = new(1, 3);

    private readonly FileDescriptor _root;
    private readonly List<(string Prefix, PathFd Top)> _tops = [];

    private HiddenPaths(FileDescriptor root) => _root = root;

    internal static HiddenPaths Open(FileDescriptor root, SpecList<OciMount> mounts)
    {
        var paths = new HiddenPaths(root);
        try
        {
            paths.Find(mounts, "/proc", "proc", FileSystemStatus.Proc);
            paths.Find(mounts, "/sys", "sysfs", FileSystemStatus.Sysfs);
            return paths;
        }
        catch
        {
            paths.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach ((_, PathFd top) in _tops)
        {
            top.Dispose();
        }
    }

    private void Find(SpecList<OciMount> mounts, string destination, string type, long magic)
    {
        string? last = null;
        foreach (OciMount mount in mounts)
        {
            last = mount.Destination.TrimEnd('/') == destination ? mount.Type : last;
        }

        if (last != type)
        {
            return;
        }

        PathFd top = MountTarget.OrdinaryDirectory(_root, destination, type);
        _tops.Add((destination, top));
        if (FileSystemStatus.Of(top).Type != magic)
        {
            throw new ContainerException($"{destination} is not the {type} any more that was mounted there: somebody changes the root file system meanwhile", Errno.EBUSY);
        }
    }

    /// <summary>Covers files with /dev/null and directories with an empty read-only tmpfs.</summary>
    internal void Mask(SpecList<string> paths, string? label)
    {
        foreach (string path in paths)
        {
            try
            {
                MaskOne(path, label);
            }
            catch (SyscallException cause)
            {
                throw ContainerException.Because($"can't mask path \"{path}\"", cause);
            }
        }
    }

    /// <summary>Binds each onto itself, with the mounts below it, read-only.</summary>
    internal void MakeReadOnly(SpecList<string> paths)
    {
        foreach (string path in paths)
        {
            if (!TryName(path, out PathFd target))
            {
                continue;
            }

            try
            {
                using (target)
                {
                    using MountFd copy = MountCalls.OpenTree(target);
                    MountCalls.SetAttributes(copy, MountAttributes.MOUNT_ATTR_RDONLY);
                    MountCalls.MoveMount(copy, target);
                }
            }
            catch (SyscallException cause)
            {
                throw ContainerException.Because($"can't make path \"{path}\" read-only", cause);
            }
        }
    }

    private void MaskOne(string path, string? label)
    {
        if (!TryName(path, out PathFd target))
        {
            return;
        }

        using (target)
        {
            if (FileCalls.Stat(target).Type == FileType.Directory)
            {
                MountCalls.Mount("tmpfs", target, "tmpfs", MountFlags.MS_RDONLY, MountLabel.AddTo("nr_blocks=1,nr_inodes=1", "tmpfs", label));
                return;
            }

            using MountFd nothing = OpenHostNull();
            MountCalls.MoveMount(nothing, target);
        }
    }

    // The host's own node, taken before the root is entered: the container's /dev/null may be what an image or a racing
    // neighbour made of it (CVE-2025-31133).
    private static MountFd OpenHostNull()
    {
        MountFd node = MountCalls.OpenTree("/dev/null", OpenTreeFlags.OPEN_TREE_CLONE);
        FileStatus status = FileCalls.Stat(node);
        if (status.Type != FileType.CharacterDevice || status.Node != s_null)
        {
            node.Dispose();
            throw new ContainerException("the host's /dev/null is not the null device (1:3)", Errno.ENODEV);
        }

        return node;
    }

    private bool TryName(string path, out PathFd target)
    {
        (FileDescriptor top, string below) = Split(path);
        if (Rooted.TryOpenPath(top, below, out target, out Errno why))
        {
            return true;
        }

        target.Dispose();
        return why is Errno.ENOENT or Errno.ENOTDIR
            ? false
            : throw ContainerException.Because($"open {path}", why);
    }

    private (FileDescriptor Top, string Below) Split(string path)
    {
        foreach ((string prefix, PathFd top) in _tops)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal) && path.Length > prefix.Length && path[prefix.Length] == '/'
                && !path.Contains("/..", StringComparison.Ordinal))
            {
                return (top, path[prefix.Length..]);
            }
        }

        return (_root, path);
    }
}
