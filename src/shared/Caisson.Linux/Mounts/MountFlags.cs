#pragma warning disable CS1591 // The kernel's names document themselves: mount(2), umount2(2), open_tree(2), move_mount(2), mount_setattr(2).
namespace Caisson.Linux;

/// <summary>The flags of mount(2) (include/uapi/linux/mount.h).</summary>
[Flags]
public enum MountFlags : ulong
{
    None = 0,
    MS_RDONLY = 1,
    MS_NOSUID = 2,
    MS_NODEV = 4,
    MS_NOEXEC = 8,
    MS_SYNCHRONOUS = 16,
    MS_REMOUNT = 32,
    MS_MANDLOCK = 64,
    MS_DIRSYNC = 128,
    MS_NOSYMFOLLOW = 256,
    MS_NOATIME = 1024,
    MS_NODIRATIME = 2048,
    MS_BIND = 4096,
    MS_MOVE = 8192,
    MS_REC = 16384,
    MS_SILENT = 32768,
    MS_POSIXACL = 1 << 16,
    MS_UNBINDABLE = 1 << 17,
    MS_PRIVATE = 1 << 18,
    MS_SLAVE = 1 << 19,
    MS_SHARED = 1 << 20,
    MS_RELATIME = 1 << 21,
    MS_I_VERSION = 1 << 23,
    MS_STRICTATIME = 1 << 24,
    MS_LAZYTIME = 1 << 25,
}

/// <summary>The flags of umount2(2).</summary>
[Flags]
public enum UnmountFlags
{
    None = 0,
    MNT_FORCE = 1,
    MNT_DETACH = 2,
    MNT_EXPIRE = 4,
    UMOUNT_NOFOLLOW = 8,
}

/// <summary>The flags of open_tree(2) and the AT_ flags it takes. OPEN_TREE_CLOEXEC is always added.</summary>
[Flags]
public enum OpenTreeFlags : uint
{
    None = 0,
    OPEN_TREE_CLONE = 1,
    AT_SYMLINK_NOFOLLOW = 0x100,
    AT_NO_AUTOMOUNT = 0x800,
    AT_EMPTY_PATH = 0x1000,
    AT_RECURSIVE = 0x8000,
}

/// <summary>The flags of move_mount(2).</summary>
[Flags]
public enum MoveMountFlags : uint
{
    None = 0,
    MOVE_MOUNT_F_SYMLINKS = 0x1,
    MOVE_MOUNT_F_AUTOMOUNTS = 0x2,
    MOVE_MOUNT_F_EMPTY_PATH = 0x4,
    MOVE_MOUNT_T_SYMLINKS = 0x10,
    MOVE_MOUNT_T_AUTOMOUNTS = 0x20,
    MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    MOVE_MOUNT_SET_GROUP = 0x100,
    MOVE_MOUNT_BENEATH = 0x200,
}

/// <summary>The attributes of a mount: mount_setattr(2), fsmount(2). The access-time values are one field, MOUNT_ATTR__ATIME.</summary>
[Flags]
public enum MountAttributes : ulong
{
    None = 0,
    MOUNT_ATTR_RDONLY = 0x1,
    MOUNT_ATTR_NOSUID = 0x2,
    MOUNT_ATTR_NODEV = 0x4,
    MOUNT_ATTR_NOEXEC = 0x8,
    MOUNT_ATTR_RELATIME = 0,
    MOUNT_ATTR_NOATIME = 0x10,
    MOUNT_ATTR_STRICTATIME = 0x20,
    MOUNT_ATTR__ATIME = 0x70,
    MOUNT_ATTR_NODIRATIME = 0x80,
    MOUNT_ATTR_IDMAP = 0x100000,
    MOUNT_ATTR_NOSYMFOLLOW = 0x200000,
}

/// <summary>A propagation type, with the values of mount(2) that mount_setattr(2) takes too.</summary>
public enum MountPropagation : ulong
{
    /// <summary>Leave it.</summary>
    Unchanged = 0,
    Unbindable = 1 << 17,
    Private = 1 << 18,
    Slave = 1 << 19,
    Shared = 1 << 20,
}
