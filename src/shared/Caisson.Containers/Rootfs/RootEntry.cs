using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Ways into a root other than pivot_root(2).</summary>
internal static class RootEntry
{
    /// <summary>
    /// For a host whose root is a ramdisk, which cannot be pivoted away: moves the new root over it. Every procfs and sysfs mount of the
    /// host is unmounted first, because one that lies bare could be reached by fchdir and chroot tricks.
    /// </summary>
    internal static void MoveOverRoot(FileDescriptor root)
    {
        string rootPath = FileCalls.ReadLink(root.ProcPath);
        foreach (MountInfo mount in MountInfo.Read())
        {
            if (mount.Type is "proc" or "sysfs" && !IsBelow(mount.MountPoint, rootPath))
            {
                HideBare(mount.MountPoint);
            }
        }

        FileCalls.ChangeDirectory(root);
        MountCalls.Mount(rootPath, "/", null, MountFlags.MS_MOVE);
        FileCalls.ChangeRoot(".");
        FileCalls.ChangeDirectory("/");
    }

    /// <summary>Without a mount namespace of its own, a container only changes its root.</summary>
    internal static void ChangeRoot(FileDescriptor root)
    {
        FileCalls.ChangeDirectory(root);
        FileCalls.ChangeRoot(".");
        FileCalls.ChangeDirectory("/");
    }

    private static void HideBare(string mountPoint)
    {
        MountCalls.SetPropagation(mountPoint, MountPropagation.Slave, recursive: true);
        if (MountCalls.TryUnmount(mountPoint, UnmountFlags.MNT_DETACH, out Errno why))
        {
            return;
        }

        if (why is Errno.EINVAL or Errno.EPERM)
        {
            // Locked by an outer user namespace: covered instead.
            MountCalls.Mount("tmpfs", mountPoint, "tmpfs", MountFlags.None);
            return;
        }

        throw new SyscallException($"umount({mountPoint})", why);
    }

    private static bool IsBelow(string path, string root) =>
        path.StartsWith(root, StringComparison.Ordinal) && (path.Length == root.Length || path[root.Length] == '/');
}
