using System.Diagnostics.CodeAnalysis;
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

    /// <summary>The directory of <c>root.path</c> in our mount namespace, if hooks that run before the root is entered are to find the root file system there.</summary>
    internal static bool TryOpenPlace(ContainerRequest request, [NotNullWhen(true)] out PathFd? place)
    {
        place = null;
        if (request.Rootfs is not null || request.Spec.Hooks is not { } hooks
            || hooks.Prestart.Count + hooks.CreateRuntime.Count + hooks.CreateContainer.Count == 0)
        {
            return false;
        }

        try
        {
            place = PathFd.Open(Of(request), OpenFlags.O_DIRECTORY);
            return true;
        }
        catch (SyscallException)
        {
            // Out of reach for the root of a user namespace.
            return false;
        }
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
