using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Ways into a root other than pivot_root(2).</summary>
internal static class RootEntry
{
    /// <summary>
    /// For a host whose root is a ramdisk, which cannot be pivoted away. The new root lies on top of it, or is moved there; every procfs and
    /// sysfs mount of the host is taken away, because one that lies bare could be reached by tricks with fchdir and chroot.
    /// </summary>
    internal static void StayOnTop(FileDescriptor root, bool isOnTop)
    {
        if (!isOnTop)
        {
            MountCalls.MoveMount(root, "/");
        }

        var own = new HashSet<int> { (int)FileCalls.Stat(root).MountId };

        // A mount comes after the one it is on, so one pass finds the whole tree.
        foreach (MountInfo mount in MountInfo.Read())
        {
            if (own.Contains(mount.Id) || own.Contains(mount.ParentId))
            {
                own.Add(mount.Id);
            }
            else if (mount.Type is "proc" or "sysfs")
            {
                HideBare(mount.MountPoint);
            }
        }

        ChangeRoot(root);
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
}
