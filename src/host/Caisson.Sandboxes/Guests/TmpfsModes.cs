using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// The modes of tmpfs mounts, settled before anything is mounted: a tmpfs without a mode looks like the directory that it covers and is
/// open to all where there is none (runc's rule). The keeper, which comes first, makes the missing directory in the root file
/// system that it shares with the guest, and the guest would take that one for the image's.
/// </summary>
internal static class TmpfsModes
{
    // The kernel's own for a tmpfs (shmem_init_fs_context: 0777 and the sticky bit).
    private const string OpenToAll = "mode=1777";

    /// <summary>Writes the mode out where the root file system has nothing to cover.</summary>
    /// <param name="spec">The configuration.</param>
    /// <param name="rootfs">The root file system's directory.</param>
    internal static OciSpec Settle(OciSpec spec, string rootfs)
    {
        // A root that is missing is refused where it is mounted, in better words.
        if (!spec.Mounts.Any(IsOpen) || !FileCalls.TryOpen(rootfs, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, out FileFd root, out _))
        {
            return spec;
        }

        using (root)
        {
            return spec with { Mounts = [.. Array.ConvertAll(spec.Mounts.ToArray(), mount => IsOpen(mount) && !Covers(root, mount) ? WithMode(mount) : mount)] };
        }
    }

    private static bool IsOpen(OciMount mount) =>
        mount is { Type: "tmpfs", Destination: not "/dev" } && !mount.Options.Any(static option => option.StartsWith("mode=", StringComparison.Ordinal));

    private static bool Covers(FileDescriptor root, OciMount mount)
    {
        bool exists = Rooted.TryOpenPath(root, mount.Destination, out PathFd covered, out _, OpenFlags.O_DIRECTORY);
        covered.Dispose();
        return exists;
    }

    private static OciMount WithMode(OciMount mount) => mount with { Options = [.. mount.Options, OpenToAll] };
}
