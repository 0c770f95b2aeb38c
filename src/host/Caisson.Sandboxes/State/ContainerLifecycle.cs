using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>What can happen to a container.</summary>
public enum ContainerEvent
{
    /// <summary>Its init is prepared and waits.</summary>
    InitReady,

    /// <summary>Its init executes the workload.</summary>
    Start,

    /// <summary>Its processes are frozen.</summary>
    Pause,

    /// <summary>They run again.</summary>
    Resume,

    /// <summary>Its init has ended.</summary>
    InitExited,
}

/// <summary>The one state machine of a container, whatever isolates it.</summary>
public static class ContainerLifecycle
{
    //                                           +--Pause---> Paused
    //   Creating --InitReady--> Created --Start--> Running <--Resume--+
    //                              +--Pause--> Paused        (runc may pause a container that is only created, and so may we)
    //   any state but Stopped --InitExited--> Stopped

    /// <exception cref="InvalidTransitionException">The event cannot happen in this state.</exception>
    public static ContainerStatus Next(ContainerStatus from, ContainerEvent happened) => (from, happened) switch
    {
        (ContainerStatus.Creating, ContainerEvent.InitReady) => ContainerStatus.Created,
        (ContainerStatus.Created, ContainerEvent.Start) => ContainerStatus.Running,
        (ContainerStatus.Created, ContainerEvent.Pause) => ContainerStatus.Paused,
        (ContainerStatus.Running, ContainerEvent.Pause) => ContainerStatus.Paused,
        (ContainerStatus.Paused, ContainerEvent.Resume) => ContainerStatus.Running,
        (not ContainerStatus.Stopped, ContainerEvent.InitExited) => ContainerStatus.Stopped,
        _ => throw new InvalidTransitionException(from, happened),
    };
}

/// <summary>A command that the container's state does not allow, in runc's words: engines and scripts match on them.</summary>
public sealed class InvalidTransitionException(ContainerStatus from, ContainerEvent happened) : SandboxException(Describe(from, happened))
{
    public ContainerStatus From { get; } = from;

    public ContainerEvent Happened { get; } = happened;

    private static string Describe(ContainerStatus from, ContainerEvent happened) => (happened, from) switch
    {
        (ContainerEvent.Start, ContainerStatus.Running) => "cannot start an already running container",
        (ContainerEvent.Start, ContainerStatus.Stopped) => "cannot start a container that has stopped",
        (ContainerEvent.Start, ContainerStatus.Paused) => "cannot start a container in the paused state",
        (ContainerEvent.Start, _) => "cannot start a container that is still being created",
        (ContainerEvent.Pause, _) => "container not running",
        (ContainerEvent.Resume, _) => "container not paused",
        _ => $"a container that is {from.Name()} cannot have {happened}",
    };
}
