using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// What the guest sees of the host: a tmpfs of the supervisor's own mount namespace, in which every root file system and mount source has
/// a place. It vanishes with the namespace, whatever happens to the processes. Its propagation is shared, so that virtiofsd, in a
/// namespace of its own, sees what is added later.
/// </summary>
internal sealed class ShareDirectory
{
    // Holds mount points only.
    private const string TmpfsOptions = "mode=0700,size=1m,nr_inodes=64k";

    private readonly string _path;

    private ShareDirectory(string path) => _path = path;

    internal string Path => _path;

    /// <summary>Mounts the directory. Call once for a sandbox, in the supervisor's mount namespace.</summary>
    internal static ShareDirectory Create(string sandboxDirectory)
    {
        string path = PathIn(sandboxDirectory);
        FileCalls.MakeDirectory(path, 0x1C0 /* 0700 */);
        MountCalls.Mount("caisson-share", path, "tmpfs", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, TmpfsOptions);
        MountCalls.SetPropagation(path, MountPropagation.Shared, recursive: false);
        return new ShareDirectory(path);
    }

    /// <summary>Takes over the directory that an earlier supervisor of this sandbox mounted.</summary>
    internal static ShareDirectory Open(string sandboxDirectory) => new(PathIn(sandboxDirectory));

    /// <summary>Puts a detached mount in its place.</summary>
    /// <param name="name">The place, relative to the directory; made here, from names that are ours and never the guest's.</param>
    /// <param name="source">The mount; still the caller's.</param>
    /// <param name="isDirectory">A directory, or a file.</param>
    internal void Place(string name, MountFd source, bool isDirectory)
    {
        using DirectoryFd root = DirectoryFd.Open(_path);
        using PathFd point = isDirectory
            ? Rooted.MakeDirectories(root, name, 0x1C0 /* 0700 */)
            : Rooted.MakeFile(root, name, 0x180 /* 0600 */);
        MountCalls.MoveMount(source, point);
    }

    /// <summary>Takes a mount away. virtiofsd may still hold files below it, so it is detached, not waited for.</summary>
    internal void Remove(string name)
    {
        string place = $"{_path}/{name}";
        MountCalls.TryUnmount(place, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _);
        if (!FileCalls.TryRemove(place, isDirectory: true, out Errno why) && why == Errno.ENOTDIR)
        {
            FileCalls.TryRemove(place, isDirectory: false, out _);
        }
    }

    private static string PathIn(string sandboxDirectory) => $"{sandboxDirectory}/shared";
}
