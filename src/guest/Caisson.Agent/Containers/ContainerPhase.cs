using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>
/// Where a container stands.
/// <code>
/// Creating -> Created -> Starting -> Running &lt;-> Paused
///    |           |          |           |         |
///    +-----------+----------+-----+-----+---------+----> Removing
/// </code>
/// That its first process has ended (Stopped for the host) is not a phase: the process itself says so.
/// </summary>
internal enum ContainerPhase
{
    Creating,
    Created,
    Starting,
    Running,
    Paused,
    Removing,
}

/// <summary>What a phase allows. One function, so that two calls cannot disagree.</summary>
internal static class ContainerPhases
{
    /// <exception cref="Ttrpc.TtrpcException">The step is not possible from here; runc's words where it has some.</exception>
    internal static ContainerPhase Next(ContainerPhase phase, ContainerPhase wanted, bool hasEnded) => (phase, wanted) switch
    {
        (ContainerPhase.Creating, ContainerPhase.Created) => wanted,
        (ContainerPhase.Creating, _) => throw Refusal.State("the container is being created"),
        (ContainerPhase.Removing, _) => throw Refusal.State("the container is being removed"),
        (_, ContainerPhase.Removing) => wanted,
        (_, ContainerPhase.Starting) when hasEnded => throw Refusal.State("cannot start a container that has stopped"),
        (ContainerPhase.Created, ContainerPhase.Starting) => wanted,
        (_, ContainerPhase.Starting) => throw Refusal.State("cannot start an already running container"),
        (ContainerPhase.Starting, ContainerPhase.Running or ContainerPhase.Created) => wanted,
        (_, ContainerPhase.Paused) when hasEnded => throw Refusal.State("container not running"),
        (ContainerPhase.Running or ContainerPhase.Created, ContainerPhase.Paused) => wanted,
        (ContainerPhase.Paused, ContainerPhase.Running) => wanted,
        (_, ContainerPhase.Running) => throw Refusal.State("container not paused"),
        _ => throw Refusal.State($"container not running (it is {phase.ToString().ToLowerInvariant()})"),
    };

    internal static ContainerState ToProtocol(this ContainerPhase phase, bool hasEnded) => phase switch
    {
        ContainerPhase.Creating => ContainerState.Unknown,
        _ when hasEnded => ContainerState.Stopped,
        ContainerPhase.Created => ContainerState.Created,
        ContainerPhase.Paused => ContainerState.Paused,
        _ => ContainerState.Running,
    };
}
