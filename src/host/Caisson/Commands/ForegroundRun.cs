using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>A container that its command runs, waits for and deletes.</summary>
internal sealed class ForegroundRun(Runtime runtime, Creation creation)
{
    /// <summary>Told of the pid once the workload runs.</summary>
    internal Action<int>? Started { get; init; }

    /// <summary>What has to go before the records do.</summary>
    internal Action? BeforeDelete { get; init; }

    internal bool Keep { get; init; }

    /// <summary>What is done instead of running the bundle; it is told whom to call once the workload runs.</summary>
    internal Func<Action<ContainerRecord>, int>? Work { get; init; }

    /// <returns>The workload's exit code, or 128 plus its signal.</returns>
    internal int Go()
    {
        ContainerRecord? running = null;
        using NotifySocket? notify = creation.BindNotification();
        try
        {
            void Running(ContainerRecord record)
            {
                running = record;
                Started?.Invoke(record.Init.Pid);
                creation.Unlock();
            }

            return Work is null ? creation.Backend.Run(creation.Order with { Notify = notify }, creation.Journal, Running) : Work(Running);
        }
        catch when (running is null)
        {
            // The record was there before its workload could not be executed: a run that fails leaves no container, as runc's does not.
            creation.Abandon();
            throw;
        }
        finally
        {
            BeforeDelete?.Invoke();
            if (running is not null && !Keep)
            {
                Delete(running, creation.Order.Spec);
            }
        }
    }

    // Somebody else may have done it already, and the id may name another container by now: ours is told by its journal, which is open.
    private void Delete(ContainerRecord record, OciSpec spec)
    {
        using ContainerLock? held = ContainerLock.Take(runtime.Store.DirectoryOf(record.Id), record.Id, ContainerLock.Patience);
        if (held is not null && creation.Journal.IsStillIn(runtime.Store.DirectoryOf(record.Id)))
        {
            creation.Backend.Delete(record, spec);
            runtime.Store.Remove(record.Id);
        }
    }
}
