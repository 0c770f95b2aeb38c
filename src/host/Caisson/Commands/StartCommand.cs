using Caisson.Oci;
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
        string id = invocation.Arguments[0];
        NotifySocket? notify = null;
        try
        {
            ContainerRecord record;
            using (LockedContainer container = runtime.LoadLocked(id, Name))
            {
                ContainerStatus status = ContainerLifecycle.Next(container.Backend.Look(container.Record).Status, ContainerEvent.Start);
                notify = NotifySocket.Bind(runtime.Store.DirectoryOf(id), Creation.NotifySocketPath);
                container.Backend.Start(container.Record, runtime.Spec(id));
                record = container.Record with { Status = status };
                runtime.Store.Save(record);
            }

            // Without the lock: others may have to do with the container before it is ready.
            notify?.PassReadiness(record.Init);
            return 0;
        }
        finally
        {
            notify?.Dispose();
        }
    }
}
