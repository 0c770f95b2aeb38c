using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>start</c>: the workload of a created container.</summary>
internal sealed class StartCommand : Command
{
    internal override string Name => "start";

    internal override string Summary => "execute the process of a created container";

    internal override string Usage => "CONTAINER";

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        using LockedContainer container = runtime.LoadLocked(invocation.Arguments[0], Name);
        ContainerRecord record = container.Record;
        record = record with { Status = ContainerLifecycle.Next(container.Backend.Look(record).Status, ContainerEvent.Start) };
        container.Backend.Start(container.Record, runtime.Spec(record.Id));
        runtime.Store.Save(record);
        return 0;
    }
}
