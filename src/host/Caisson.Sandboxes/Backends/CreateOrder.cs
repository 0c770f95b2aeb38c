using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>What <c>create</c> and <c>run</c> ask of a backend.</summary>
public sealed record CreateOrder
{
    public required string Id { get; init; }

    /// <summary>The bundle's absolute path.</summary>
    public required string Bundle { get; init; }

    /// <summary>The configuration, validated.</summary>
    public required OciSpec Spec { get; init; }

    /// <summary>The container's record directory: the place of its fifo.</summary>
    public required string RecordDirectory { get; init; }

    /// <summary>This boot.</summary>
    public required string BootId { get; init; }

    /// <summary>Saves the record; called once the container exists and before it may outlive this command.</summary>
    public required Action<ContainerRecord> Commit { get; init; }

    /// <summary>The container whose sandbox the new one is to share; null makes one of its own.</summary>
    public ContainerRecord? Sandbox { get; init; }

    /// <summary>Where the terminal's master is sent.</summary>
    public string? ConsoleSocket { get; init; }

    /// <summary>The root file system as a detached mount, where its path cannot be walked by everybody; null takes the path.</summary>
    public MountFd? Rootfs { get; init; }

    /// <summary>The container's network namespace, begun already; null leaves all of it to the backend.</summary>
    public NetworkNamespaceAhead? NetworkAhead { get; init; }

    /// <summary>Whether the caller does not wait for the container's end.</summary>
    public bool Detach { get; init; }

    public bool NoPivot { get; init; }

    public bool NoNewKeyring { get; init; }

    public bool NoSubreaper { get; init; }

    /// <summary>Whether cgroupsPath is written as slice:prefix:name.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>Whether failing to use cgroups is no failure; null decides by whether we are root.</summary>
    public bool? Rootless { get; init; }

    public int PreserveFds { get; init; }

    /// <summary>Where the workload says that it is ready, which a foreground run passes on; null where nobody wants to know.</summary>
    public NotifySocket? Notify { get; init; }

    /// <summary>Told of what the user should hear though nothing failed.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Told of each step; null unless somebody wants to know.</summary>
    public Action<string>? Debug { get; init; }
}
