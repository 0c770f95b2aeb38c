using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Where the root file system is on the creator's side.</summary>
internal static class RootPath
{
    /// <summary>The absolute path of <c>root.path</c>.</summary>
    internal static string Of(ContainerRequest request) =>
        string.IsNullOrEmpty(request.Spec.Root?.Path)
            ? throw new ContainerException("config.json: root.path is missing", Errno.EINVAL)
            : Path.Combine(request.Bundle, request.Spec.Root.Path);

    /// <summary>A detached copy of the tree there, with its mounts.</summary>
    internal static MountFd Open(string path)
    {
        Check(path);
        try
        {
            return MountCalls.OpenTree(path);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"invalid rootfs: open_tree {path}", cause.Errno);
        }
    }

    /// <exception cref="ContainerException">There is no directory.</exception>
    internal static void Check(string path)
    {
        if (!FileCalls.TryStat(path, out FileStatus status, out Errno why))
        {
            throw ContainerException.Because($"invalid rootfs: stat {path}", why);
        }

        if (status.Type != FileType.Directory)
        {
            throw ContainerException.Because($"invalid rootfs: {path}", Errno.ENOTDIR);
        }
    }
}
