using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What is known about a container between commands: one snapshot, replaced whole. Whether it is true right now (a process may have
/// ended since) is for its backend to say.
/// </summary>
public sealed record ContainerRecord
{
    /// <summary>Changed when a reader of the previous format would misread this one.</summary>
    public const int FormatVersion = 1;

    public required string Id { get; init; }

    public required Isolation Isolation { get; init; }

    /// <summary>The status at the time of writing.</summary>
    public required ContainerStatus Status { get; init; }

    /// <summary>The boot that pids below belong to; everything under another one is dead.</summary>
    public required string BootId { get; init; }

    /// <summary>The process that engines know as the container's: its init, or in a machine its keeper.</summary>
    public required ProcessIdentity Init { get; init; }

    /// <summary>The bundle's absolute path.</summary>
    public required string Bundle { get; init; }

    /// <summary>The root file system's absolute path on the host.</summary>
    public required string Rootfs { get; init; }

    /// <summary>In UTC.</summary>
    public required DateTime Created { get; init; }

    /// <summary>The ociVersion of its config.json.</summary>
    public required string OciVersion { get; init; }

    /// <summary>The user who created it.</summary>
    public uint OwnerUserId { get; init; }

    /// <summary>The cgroup's directories, as <see cref="RecordedCgroup"/> writes them; null where the container has none of its own.</summary>
    public string? Cgroup { get; init; }

    /// <summary>Whether the cgroup was there before the container: then only the container's own processes are ended with it.</summary>
    public bool SharesCgroup { get; init; }

    /// <summary>The systemd unit that its cgroup is; null where systemd does not know of it.</summary>
    public string? SystemdUnit { get; init; }

    /// <summary>The sandbox's directory name below the sandboxes' place; null in namespaces.</summary>
    public string? SandboxId { get; init; }

    /// <summary>The container that the sandbox was made for, where that is another one: this one was put into its machine.</summary>
    public string? SandboxOwner { get; init; }

    /// <summary>Whether create made an exec.fifo that start has to open.</summary>
    public bool WaitsOnFifo { get; init; }

    /// <summary>Why it stopped, where that was not its own doing.</summary>
    public string? Cause { get; init; }

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
