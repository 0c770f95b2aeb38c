using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>pause</c>.</summary>
internal sealed class PauseCommand : Command
{
    internal override string Name => "pause";

    internal override string Summary => "suspend every process of a container";

    internal override string Usage => "CONTAINER";

    internal override int Run(Invocation invocation)
    {
        using LockedContainer container = new Runtime(invocation).LoadLocked(invocation.Arguments[0], Name);
        ContainerLifecycle.Next(container.Backend.Look(container.Record).Status, ContainerEvent.Pause);
        container.Backend.Pause(container.Record);
        return 0;
    }
}
