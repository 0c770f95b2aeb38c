using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// The detached tree that a bind mount will attach, with its attributes already set: nobody ever sees it writable that should not be.
/// </summary>
internal static class BindSource
{
    private const MountFlags AccessTimes = MountFlags.MS_RELATIME | MountFlags.MS_NOATIME | MountFlags.MS_STRICTATIME;

    /// <summary>Copies the tree at a path of the creator's side.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="isRecursive">With the mounts below it.</param>
    internal static MountFd Open(string path, bool isRecursive)
    {
        try
        {
            return MountCalls.OpenTree(path, OpenTreeFlags.OPEN_TREE_CLONE | (isRecursive ? OpenTreeFlags.AT_RECURSIVE : 0));
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"stat {path}", cause.Errno);
        }
    }

    /// <summary>
    /// Sets what the options name and nothing else: flags of the source that no option mentions stay, and a user namespace may not drop them anyway.
    /// </summary>
    internal static void Restrict(MountFd tree, MountOptions options)
    {
        MountAttributes set = Attributes(options.Flags, out bool choosesAccessTime);
        MountAttributes clear = Attributes(options.Cleared, out _) & ~MountAttributes.MOUNT_ATTR__ATIME;
        clear |= choosesAccessTime ? MountAttributes.MOUNT_ATTR__ATIME : 0;
        if ((set | clear) != 0)
        {
            MountCalls.SetAttributes(tree, set, clear);
        }

        if ((options.RecursiveSet | options.RecursiveClear) != 0)
        {
            MountCalls.SetAttributes(tree, options.RecursiveSet, options.RecursiveClear, recursive: true);
        }
    }

    /// <summary>Takes a tree from another mount namespace out of its peer groups: mounts in the container must not appear there.</summary>
    internal static void Isolate(MountFd tree) => MountCalls.SetAttributes(tree, 0, 0, MountPropagation.Slave, recursive: true);

    /// <summary>Where a mount's relative source begins: the bundle.</summary>
    internal static string PathOf(OciMount mount, string bundle) =>
        string.IsNullOrEmpty(mount.Source)
            ? throw new ContainerException($"bind mount at \"{mount.Destination}\" has no source", Errno.EINVAL)
            : Path.Combine(bundle, mount.Source);

    private static MountAttributes Attributes(MountFlags flags, out bool choosesAccessTime)
    {
        choosesAccessTime = (flags & AccessTimes) != 0;
        MountAttributes attributes = 0;
        Add(MountFlags.MS_RDONLY, MountAttributes.MOUNT_ATTR_RDONLY);
        Add(MountFlags.MS_NOSUID, MountAttributes.MOUNT_ATTR_NOSUID);
        Add(MountFlags.MS_NODEV, MountAttributes.MOUNT_ATTR_NODEV);
        Add(MountFlags.MS_NOEXEC, MountAttributes.MOUNT_ATTR_NOEXEC);
        Add(MountFlags.MS_NODIRATIME, MountAttributes.MOUNT_ATTR_NODIRATIME);
        Add(MountFlags.MS_NOSYMFOLLOW, MountAttributes.MOUNT_ATTR_NOSYMFOLLOW);
        // One field: noatime wins over strictatime over relatime (which is 0), as mount(2) has it.
        attributes |= (flags & MountFlags.MS_NOATIME) != 0 ? MountAttributes.MOUNT_ATTR_NOATIME
            : (flags & MountFlags.MS_STRICTATIME) != 0 ? MountAttributes.MOUNT_ATTR_STRICTATIME : 0;
        return attributes;

        void Add(MountFlags flag, MountAttributes attribute) => attributes |= (flags & flag) != 0 ? attribute : 0;
    }
}
