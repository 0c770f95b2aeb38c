using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>resume</c>.</summary>
internal sealed class ResumeCommand : Command
{
    internal override string Name => "resume";

    internal override string Summary => "resume a paused container";

    internal override string Usage => "CONTAINER";

    internal override int Run(Invocation invocation)
    {
        using LockedContainer container = new Runtime(invocation).LoadLocked(invocation.Arguments[0], Name);
        ContainerLifecycle.Next(container.Backend.Look(container.Record).Status, ContainerEvent.Resume);
        container.Backend.Unpause(container.Record);
        return 0;
    }
}
