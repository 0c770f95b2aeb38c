using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>Why a machine ended.</summary>
public enum VmExitCause
{
    /// <summary>We ended it.</summary>
    Stopped,

    /// <summary>The guest powered itself off.</summary>
    GuestShutdown,

    /// <summary>The guest kernel panicked.</summary>
    GuestPanic,

    /// <summary>The guest restarted itself, which is the end here.</summary>
    GuestReset,

    /// <summary>The host's kernel killed it for memory.</summary>
    OutOfMemory,

    /// <summary>Somebody else killed it.</summary>
    Killed,

    /// <summary>The process that shares files with it died, and the guest would have hung.</summary>
    FileServerDied,

    /// <summary>The hypervisor failed by itself.</summary>
    Failed,

    /// <summary>It is gone, and nobody of us saw how.</summary>
    Unknown,
}

/// <summary>How a machine ended.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Status">The process's own end; null if it was not our child.</param>
/// <param name="Detail">One sentence for people.</param>
public sealed record VmExit(VmExitCause Cause, ExitStatus? Status, string Detail);
