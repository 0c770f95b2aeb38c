using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// Finds, or makes, what a mount goes onto inside the root. Every component is resolved inside the root, and the mount is made on the
/// descriptor: a symlink, even one swapped in meanwhile, leads at most to another place of the same root.
/// </summary>
internal static class MountTarget
{
    // Files of procfs over which engines mount (lxcfs and the like); everything else below /proc would let a mount replace
    // what this or another runtime trusts there (CVE-2019-16884, CVE-2023-27561).
    private static readonly string[] s_replaceableProcFiles =
    [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg",
        "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ];

    internal static PathFd Directory(FileDescriptor root, string destination)
    {
        PathFd target = Rooted.MakeDirectories(root, destination, 0x1ED /* 0755 */);
        return RefuseProc(target, destination);
    }

    internal static PathFd File(FileDescriptor root, string destination, uint mode = 0x1ED /* 0755, as runc */)
    {
        PathFd target = Rooted.MakeFile(root, destination, mode);
        return RefuseProc(target, destination);
    }

    /// <summary>
    /// The target of procfs and sysfs, which must be a directory reached without any symlink: an image that makes /proc a link could
    /// otherwise choose what our later writes to /proc hit.
    /// </summary>
    internal static PathFd OrdinaryDirectory(FileDescriptor root, string destination, string type)
    {
        if (TryOrdinary(root, destination, out PathFd found, out Errno why))
        {
            return found;
        }

        if (why == Errno.ENOENT)
        {
            Rooted.MakeDirectories(root, destination, 0x1ED /* 0755 */).Dispose();
            if (TryOrdinary(root, destination, out found, out why))
            {
                return found;
            }
        }

        throw why is Errno.ELOOP or Errno.ENOTDIR
            ? new ContainerException($"filesystem \"{type}\" must be mounted on ordinary directory", why)
            : ContainerException.Because($"open {destination}", why);
    }

    /// <summary>Opens again by path: after a mount, the same path leads to its root.</summary>
    internal static PathFd Reopen(FileDescriptor root, string destination) => Rooted.OpenPath(root, destination);

    private static bool TryOrdinary(FileDescriptor root, string destination, out PathFd found, out Errno why)
    {
        try
        {
            using FileFd opened = Rooted.Open(
                root, destination, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW, 0, ResolveFlags.RESOLVE_NO_SYMLINKS);
            found = PathFd.FromNumber(opened.Release());
            why = Errno.None;
            return true;
        }
        catch (SyscallException cause)
        {
            found = new PathFd();
            why = cause.Errno;
            return false;
        }
    }

    // Judged by where the path really ended: a symlink in the image may lead into the container's procfs.
    private static PathFd RefuseProc(PathFd target, string destination)
    {
        if (FileSystemStatus.Of(target).Type != FileSystemStatus.Proc || Array.IndexOf(s_replaceableProcFiles, destination) >= 0)
        {
            return target;
        }

        target.Dispose();
        throw new ContainerException($"\"{destination}\" cannot be mounted because it is inside /proc", Errno.EPERM);
    }
}
