using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// Cleans up after a <c>do</c> that was killed. Its ids are made up and nobody will name them again, so the next <c>do</c> is "the next
/// command on that id".
/// </summary>
internal static class DoLeftovers
{
    internal static void Sweep(Runtime runtime, string prefix, string bootId)
    {
        foreach (string id in runtime.Store.Ids())
        {
            if (!id.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            try
            {
                SweepOne(runtime, id, bootId);
            }
            catch (SandboxException)
            {
                // Somebody is at work there, or it resists: `list` and `delete --force` remain.
            }
        }
    }

    private static void SweepOne(Runtime runtime, string id, string bootId)
    {
        using ContainerLock? held = ContainerLock.Take(runtime.Store.DirectoryOf(id), id, TimeSpan.Zero);
        if (held is null)
        {
            return;
        }

        StoredContainer found = runtime.Store.Look(id);
        if (found.Record is { } record)
        {
            IContainerBackend backend = runtime.Backend(record.Isolation);
            // Between its end and its deletion by its own command the lock is free: that command's pid would be needed to tell.
            if (backend.Look(record).Status != ContainerStatus.Stopped || JournalContents.Read(runtime.Store.DirectoryOf(id)) is { Owner.IsAlive: true })
            {
                return;
            }

            backend.Delete(record, null);
            found = found with { Journal = JournalContents.Read(runtime.Store.DirectoryOf(id)) };
        }
        else if (found.State == StoredState.Creating)
        {
            return;
        }

        Creation.Undo(found, bootId);
        runtime.Store.Remove(id);
    }
}
