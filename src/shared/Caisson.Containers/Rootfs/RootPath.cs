using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Where the root file system is on the creator's side.</summary>
internal static class RootPath
{
    /// <summary>The absolute path of <c>root.path</c>, or of any directory where a given detached mount may be attached.</summary>
    internal static string Of(ContainerRequest request)
    {
        string? path = request.Spec.Root?.Path;
        if (!string.IsNullOrEmpty(path))
        {
            string full = Path.Combine(request.Bundle, path);
            if (request.Rootfs is null || FileCalls.TryStat(full, out _, out _))
            {
                return full;
            }
        }

        // A detached root needs a place to be attached before it is entered. This namespace is ours alone, and /proc exists.
        return request.Rootfs is not null
            ? "/proc"
            : throw new ContainerException("config.json: root.path is missing", Errno.EINVAL);
    }

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
