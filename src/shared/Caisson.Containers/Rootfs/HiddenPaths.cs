using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary><c>linux.maskedPaths</c> and <c>linux.readonlyPaths</c>. A path that does not exist is nothing to hide.</summary>
internal static class HiddenPaths
{
    private static readonly DeviceNumber s_null = new(1, 3);

    /// <summary>Covers files with /dev/null and directories with an empty read-only tmpfs.</summary>
    internal static void Mask(FileDescriptor root, SpecList<string> paths, string? label = null)
    {
        foreach (string path in paths)
        {
            try
            {
                MaskOne(root, path, label);
            }
            catch (SyscallException cause)
            {
                throw ContainerException.Because($"can't mask path \"{path}\"", cause);
            }
        }
    }

    /// <summary>Binds each onto itself, with the mounts below it, read-only.</summary>
    internal static void MakeReadOnly(FileDescriptor root, SpecList<string> paths)
    {
        foreach (string path in paths)
        {
            if (!TryName(root, path, out PathFd target))
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

    private static void MaskOne(FileDescriptor root, string path, string? label)
    {
        if (!TryName(root, path, out PathFd target))
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

    private static bool TryName(FileDescriptor root, string path, out PathFd target)
    {
        if (Rooted.TryOpenPath(root, path, out target, out Errno why))
        {
            return true;
        }

        target.Dispose();
        return why is Errno.ENOENT or Errno.ENOTDIR
            ? false
            : throw ContainerException.Because($"open {path}", why);
    }
}
