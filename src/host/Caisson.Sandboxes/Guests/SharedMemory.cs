using System.Globalization;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// /dev/shm of a container in a machine. Engines bind a tmpfs that they made on the host, of the size that their user chose; memory
/// cannot be shared with another kernel, so the guest makes a tmpfs of the same size.
/// </summary>
internal static class SharedMemory
{
    private const string Place = "/dev/shm";
    private const ulong DefaultBytes = 64 << 20;    // runc's and Docker's

    /// <summary>The configuration with that tmpfs in the bind's place.</summary>
    /// <param name="spec">The configuration.</param>
    /// <param name="bundle">Where relative sources begin.</param>
    internal static OciSpec OwnIn(OciSpec spec, string bundle)
    {
        OciMount[] mounts = spec.Mounts.ToArray();
        for (int i = 0; i < mounts.Length; i++)
        {
            if (IsAt(mounts[i]) && mounts[i].IsBind)
            {
                mounts[i] = Tmpfs(SizeOf(Path.Combine(bundle, mounts[i].Source ?? "")), mounts[i].Options.Contains("ro"));
            }
        }

        return spec with { Mounts = SpecList.Create<OciMount>(mounts) };
    }

    /// <summary>Whether a mount is the container's /dev/shm.</summary>
    internal static bool IsAt(OciMount mount) => mount.Destination.TrimEnd('/') == Place;

    /// <summary>
    /// What containers of a pod share: their engine binds one tmpfs of the host into each of them, and which it is tells its device number,
    /// as long as it is mounted. Null where the configuration binds none.
    /// </summary>
    /// <param name="spec">The configuration, as the engine wrote it.</param>
    /// <param name="bundle">Where relative sources begin.</param>
    internal static SandboxMemory? OfPod(OciSpec spec, string bundle)
    {
        foreach (OciMount mount in spec.Mounts)
        {
            if (IsAt(mount) && mount.IsBind)
            {
                string source = Path.Combine(bundle, mount.Source ?? "");
                return FileCalls.TryStat(source, out FileStatus status, out _)
                    ? new SandboxMemory(string.Create(CultureInfo.InvariantCulture, $"{status.Device.Major:x}x{status.Device.Minor:x}x{status.Inode:x}"), SizeOf(source))
                    : null;
            }
        }

        return null;
    }

    private static OciMount Tmpfs(ulong bytes, bool readOnly) => new()
    {
        Destination = Place,
        Type = "tmpfs",
        Source = "shm",
        Options = ["nosuid", "noexec", "nodev", "mode=1777", $"size={bytes}", readOnly ? "ro" : "rw"],
    };

    private static ulong SizeOf(string source)
    {
        try
        {
            FileSystemStatus status = FileSystemStatus.Of(source);
            return status is { Type: FileSystemStatus.Tmpfs, SizeBytes: > 0 } ? status.SizeBytes : DefaultBytes;
        }
        catch (SyscallException missing)
        {
            throw new SandboxException($"mounts: {Place}: source {source}: {Failure.Words(missing.Errno)}", missing);
        }
    }
}
