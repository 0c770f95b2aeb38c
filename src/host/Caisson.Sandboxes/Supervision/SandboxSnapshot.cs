using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What is known of a sandbox: written by its supervisor at every change, read by every command and by the next supervisor.
/// Immutable; <see cref="SnapshotFile"/> gives it its form on disk.
/// </summary>
internal sealed record SandboxSnapshot
{
    internal required string Id { get; init; }

    internal required string BootId { get; init; }

    internal SandboxStatus Status { get; init; }

    /// <summary>The container that the sandbox was made for; null before there is one.</summary>
    internal string? Owner { get; init; }

    /// <summary>Whether it stays until its owner is deleted, whatever runs.</summary>
    internal bool IsPod { get; init; }

    /// <summary>Why the sandbox ended, if not because its last container did.</summary>
    internal string? Cause { get; init; }

    internal ProcessIdentity? Supervisor { get; init; }

    internal ProcessIdentity? Guardian { get; init; }

    internal ProcessIdentity? Machine { get; init; }

    internal ProcessIdentity? FileServer { get; init; }

    /// <summary>Null where the machine has its loopback only.</summary>
    internal NetworkSnapshot? Network { get; init; }

    internal IReadOnlyList<ContainerSnapshot> Containers { get; init; } = [];
}

/// <summary>What is known of one container.</summary>
internal sealed record ContainerSnapshot
{
    internal required string Id { get; init; }

    internal ContainerStatus Status { get; init; }

    internal string? Cause { get; init; }

    internal required ProcessSnapshot Init { get; init; }

    internal IReadOnlyList<ProcessSnapshot> Execs { get; init; } = [];

    /// <summary>Names in the shared directory that belong to this container.</summary>
    internal IReadOnlyList<string> Shares { get; init; } = [];
}

/// <summary>What is known of one process in the guest and of its keeper.</summary>
internal sealed record ProcessSnapshot
{
    /// <summary>Empty for a container's init.</summary>
    internal required string ExecId { get; init; }

    internal ProcessStatus Status { get; init; }

    internal bool Terminal { get; init; }

    internal int? ExitCode { get; init; }

    internal ProcessIdentity? Keeper { get; init; }

    /// <summary>File name of the keeper's socket inside the sandbox's directory.</summary>
    internal string? KeeperSocket { get; init; }
}
