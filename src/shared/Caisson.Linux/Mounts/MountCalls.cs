namespace Caisson.Linux;

/// <summary>mount(2) and its successors. A target inside a container's root is a descriptor from <see cref="Rooted"/>, never a path.</summary>
public static class MountCalls
{
    private const uint AT_EMPTY_PATH = 0x1000;
    private const uint AT_RECURSIVE = 0x8000;
    private const uint OPEN_TREE_CLOEXEC = 0x80000;

    /// <summary>mount(2) onto a trusted path.</summary>
    /// <param name="source">Device, directory or any word; null where the kernel ignores it.</param>
    /// <param name="target">Where.</param>
    /// <param name="type">The file system's name; null for bind, move, remount and propagation.</param>
    /// <param name="flags">MS_*.</param>
    /// <param name="data">The file system's own options.</param>
    public static void Mount(string? source, string target, string? type, MountFlags flags, string? data = null)
    {
        if (!TryMount(source, target, type, flags, data, out Errno why))
        {
            throw new SyscallException($"mount({type ?? source ?? "none"}, {target})", why);
        }
    }

    /// <summary>mount(2) onto what a descriptor refers to; needs /proc.</summary>
    public static void Mount(string? source, FileDescriptor target, string? type, MountFlags flags, string? data = null) =>
        Mount(source, target.ProcPath, type, flags, data);

    /// <inheritdoc cref="Mount(string?, string, string?, MountFlags, string?)"/>
    public static bool TryMount(string? source, string target, string? type, MountFlags flags, string? data, out Errno why) =>
        Ok(Libc.mount(source, target, type, (nuint)(ulong)flags, data), out why);

    /// <summary>Changes the propagation of a mount, or of the whole tree below it.</summary>
    public static void SetPropagation(string target, MountPropagation propagation, bool recursive) =>
        Mount(null, target, null, (MountFlags)propagation | (recursive ? MountFlags.MS_REC : 0));

    /// <summary>umount2(2). UMOUNT_NOFOLLOW unless the path is <see cref="FileDescriptor.ProcPath"/>, which is a link by nature.</summary>
    public static void Unmount(string target, UnmountFlags flags = UnmountFlags.UMOUNT_NOFOLLOW)
    {
        if (!TryUnmount(target, flags, out Errno why))
        {
            throw new SyscallException($"umount({target})", why);
        }
    }

    /// <inheritdoc cref="Unmount"/>
    public static bool TryUnmount(string target, UnmountFlags flags, out Errno why) => Ok(Libc.umount2(target, (int)flags), out why);

    /// <summary>open_tree(2) of a trusted path: a detached copy of the mounts there by default, recursive.</summary>
    public static MountFd OpenTree(
        string path, OpenTreeFlags flags = OpenTreeFlags.OPEN_TREE_CLONE | OpenTreeFlags.AT_RECURSIVE) =>
        OpenTree(Descriptors.WorkingDirectory, path, flags);

    /// <summary>open_tree(2) of what a descriptor refers to.</summary>
    public static MountFd OpenTree(
        FileDescriptor source, OpenTreeFlags flags = OpenTreeFlags.OPEN_TREE_CLONE | OpenTreeFlags.AT_RECURSIVE) =>
        OpenTree(source, "", flags | OpenTreeFlags.AT_EMPTY_PATH);

    /// <summary>open_tree(2) of a name below a directory.</summary>
    public static MountFd OpenTree(FileDescriptor directory, string path, OpenTreeFlags flags) =>
        TryOpenTree(directory, path, flags, out MountFd tree, out Errno why)
            ? tree
            : throw new SyscallException($"open_tree({(path.Length > 0 ? path : directory.ProcPath)})", why);

    /// <inheritdoc cref="OpenTree(FileDescriptor, string, OpenTreeFlags)"/>
    public static bool TryOpenTree(FileDescriptor directory, string path, OpenTreeFlags flags, out MountFd tree, out Errno why)
    {
        tree = new MountFd();
        long number = Libc.open_tree(428, directory, path, (uint)flags | OPEN_TREE_CLOEXEC);
        if (!Ok(number, out why))
        {
            return false;
        }

        tree.Adopt((int)number);
        return true;
    }

    /// <summary>Attaches a detached mount (or moves an attached one) onto what <paramref name="target"/> refers to, without any path.</summary>
    public static void MoveMount(FileDescriptor mount, FileDescriptor target, MoveMountFlags flags = 0) =>
        Libc.Check(
            Libc.move_mount(429, mount, "", target, "", (uint)(flags | MoveMountFlags.MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags.MOVE_MOUNT_T_EMPTY_PATH)),
            "move_mount");

    /// <summary>Attaches a mount onto a trusted path.</summary>
    public static void MoveMount(FileDescriptor mount, string target, MoveMountFlags flags = 0) =>
        Libc.Check(
            Libc.move_mount(429, mount, "", Descriptors.WorkingDirectory, target, (uint)(flags | MoveMountFlags.MOVE_MOUNT_F_EMPTY_PATH)),
            $"move_mount({target})");

    /// <summary>mount_setattr(2) on the mount that a descriptor refers to.</summary>
    /// <param name="mount">A descriptor of the mount's root.</param>
    /// <param name="set">Attributes to switch on. Setting an access-time value clears MOUNT_ATTR__ATIME first by itself.</param>
    /// <param name="clear">Attributes to switch off.</param>
    /// <param name="propagation">A new propagation type.</param>
    /// <param name="recursive">The whole tree; all or nothing.</param>
    /// <param name="userNamespace">Map ids as this user namespace does (MOUNT_ATTR_IDMAP is added); the mount must be detached.</param>
    public static void SetAttributes(
        FileDescriptor mount,
        MountAttributes set,
        MountAttributes clear = 0,
        MountPropagation propagation = MountPropagation.Unchanged,
        bool recursive = false,
        FileDescriptor? userNamespace = null)
    {
        if (!TrySetAttributes(mount, set, clear, propagation, recursive, userNamespace, out Errno why))
        {
            throw new SyscallException($"mount_setattr(fd {mount.Number})", why);
        }
    }

    /// <inheritdoc cref="SetAttributes"/>
    public static bool TrySetAttributes(
        FileDescriptor mount,
        MountAttributes set,
        MountAttributes clear,
        MountPropagation propagation,
        bool recursive,
        FileDescriptor? userNamespace,
        out Errno why)
    {
        const MountAttributes AccessTime = MountAttributes.MOUNT_ATTR__ATIME;
        var attr = new MountAttr
        {
            Set = (ulong)(set | (userNamespace is null ? 0 : MountAttributes.MOUNT_ATTR_IDMAP)),
            Clear = (ulong)(clear | ((set & AccessTime) != 0 ? AccessTime : 0)),
            Propagation = (ulong)propagation,
            UserNamespace = (ulong)(userNamespace?.Number ?? 0),
        };
        uint flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
        bool done = Ok(Libc.mount_setattr(442, mount, "", flags, in attr, MountAttr.Size), out why);
        GC.KeepAlive(userNamespace);
        return done;
    }

    /// <summary>pivot_root(2) by trusted paths.</summary>
    public static void PivotRoot(string newRoot, string putOld) =>
        Libc.Check(Libc.pivot_root(155, newRoot, putOld), $"pivot_root({newRoot}, {putOld})");

    /// <summary>
    /// Makes an open directory, which must be a mount point, the root, and takes the old root away: pivot_root(".", ".") stacks the old root on
    /// the new one, from where it is made a slave (so that nothing is unmounted on the host) and detached. Ends in "/".
    /// </summary>
    public static void PivotInto(FileDescriptor newRoot)
    {
        using DirectoryFd oldRoot = DirectoryFd.Open("/");
        FileCalls.ChangeDirectory(newRoot);
        PivotRoot(".", ".");
        FileCalls.ChangeDirectory(oldRoot);
        SetPropagation(".", MountPropagation.Slave, recursive: true);
        Unmount(".", UnmountFlags.MNT_DETACH);
        FileCalls.ChangeDirectory("/");
    }

    private static bool Ok(long result, out Errno why)
    {
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }
}
