namespace Caisson.Linux;

/// <summary>What a clone shall be like.</summary>
public sealed record CloneRequest
{
    /// <summary>Namespaces and other flags. A pidfd is always made; <see cref="CloneFlags.Vm"/> is refused.</summary>
    public CloneFlags Flags { get; init; }

    /// <summary>The directory of a v2 cgroup that the child starts in, or null for the caller's own.</summary>
    public FileDescriptor? Cgroup { get; init; }

    /// <summary>The signal that the parent gets at the child's end: SIGCHLD unless the flags have <see cref="CloneFlags.Parent"/>, which allows none.</summary>
    internal int ExitSignal => Flags.HasFlag(CloneFlags.Parent) ? 0 : Libc.SIGCHLD;
}
