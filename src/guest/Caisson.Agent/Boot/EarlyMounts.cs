using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>The file systems of the kernel, and the agent's own place in the cgroups.</summary>
internal static class EarlyMounts
{
    internal const string CgroupTop = "/sys/fs/cgroup";

    private const MountFlags Safe = MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;
    private const uint DirectoryMode = 0x1ED; // 0755

    // Memory that a container's tmpfs or a copied file may use up is bounded by the kernel's default of half the machine for each.
    private static readonly (string Type, string Target, MountFlags Flags, string? Data)[] s_mounts =
    [
        ("proc", "/proc", Safe, null),
        ("sysfs", "/sys", Safe, null),
        ("devtmpfs", "/dev", MountFlags.MS_NOSUID, "mode=755"),
        ("devpts", "/dev/pts", MountFlags.MS_NOSUID | MountFlags.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"),
        ("tmpfs", "/dev/shm", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, "mode=1777"),
        ("tmpfs", "/run", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, "mode=755"),
        ("tmpfs", "/tmp", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, "mode=1777"),
        ("cgroup2", CgroupTop, Safe, "nsdelegate"),
    ];

    internal static void MountAll()
    {
        foreach ((string type, string target, MountFlags flags, string? data) in s_mounts)
        {
            if (!FileCalls.TryMakeDirectory(target, DirectoryMode, out Errno why) && why is not (Errno.EEXIST or Errno.EPERM))
            {
                throw new SyscallException($"mkdir({target})", why);
            }

            MountCalls.Mount(type, target, type, flags, data);
        }

        FileCalls.TryRemove("/dev/ptmx", isDirectory: false, out _);
        using DirectoryFd dev = DirectoryFd.Open("/dev");
        FileCalls.MakeSymbolicLink("pts/ptmx", dev, "ptmx");
    }
}
