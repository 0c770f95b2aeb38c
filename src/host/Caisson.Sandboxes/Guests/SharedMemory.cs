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
            if (mounts[i].Destination.TrimEnd('/') == Place && mounts[i].IsBind)
            {
                mounts[i] = Tmpfs(SizeOf(Path.Combine(bundle, mounts[i].Source ?? "")), mounts[i].Options.Contains("ro"));
            }
        }

        return spec with { Mounts = SpecList.Create<OciMount>(mounts) };
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
