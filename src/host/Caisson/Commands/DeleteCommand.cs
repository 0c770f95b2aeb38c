using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>delete</c>: whatever a container holds. With <c>--force</c> it may run, be half made, or not exist.</summary>
internal sealed class DeleteCommand : Command
{
    internal override string Name => "delete";

    internal override string Summary => "delete a stopped container, or with --force any";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description => "Removes what the container holds: processes, cgroups, mounts and its record. What a killed `create` left\nhalf made is removed too.";

    internal override IReadOnlyList<Flag> Flags => [Flag.Switch("force", "kill the container if it still runs; an unknown one is no error", 'f')];

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        string id = invocation.Arguments[0];
        bool force = invocation.Flags.IsSet("force");
        try
        {
            return Delete(runtime, id, force);
        }
        catch (NoSuchContainerException) when (force)
        {
            return 0;
        }
    }

    private static int Delete(Runtime runtime, string id, bool force)
    {
        // A foreign directory is nothing of ours, so neither is its lock.
        if (Look(runtime, id, force).State == StoredState.Nothing)
        {
            throw new NoSuchContainerException();
        }

        using ContainerLock held = ContainerLock.Take(runtime.Store.DirectoryOf(id), id, ContainerLock.Patience) ?? throw new NoSuchContainerException();
        StoredContainer found = Look(runtime, id, force);
        if (found.State == StoredState.Nothing)
        {
            throw new NoSuchContainerException();
        }

        if (found.Record is { } record)
        {
            DeleteComplete(runtime, record, force);
            found = found with { Journal = TryReadJournal(runtime.Store.DirectoryOf(id)) };
        }

        // Of a complete container too: what was made beside it (a view of the host's files) is in its journal only.
        Creation.Undo(found, BootId.Read());

        runtime.Store.Remove(id);
        return 0;
    }

    private static void DeleteComplete(Runtime runtime, ContainerRecord record, bool force)
    {
        IContainerBackend backend = runtime.Backend(record.Isolation);
        ContainerStatus status = backend.Look(record).Status;
        // One that was only created has run nothing yet, and goes without --force, as runc's does.
        if (status is not (ContainerStatus.Stopped or ContainerStatus.Created) && !force)
        {
            throw new SandboxException($"cannot delete container {record.Id} that is not stopped: {status.Name()}");
        }

        if (!force && backend.Dependents(record) is { Count: > 0 } running)
        {
            throw new SandboxException(
                $"cannot delete container {record.Id}: its sandbox ends with it, and {string.Join(", ", running)} still run(s) there; delete {(running.Count == 1 ? "that one" : "those")} first, or use --force");
        }

        backend.Delete(record, TryReadSpec(runtime, record.Id, force));
    }

    // A damaged record must not make a container immortal: with --force its journal alone is undone.
    private static StoredContainer Look(Runtime runtime, string id, bool force)
    {
        try
        {
            return runtime.Store.Look(id);
        }
        catch (SandboxException) when (force)
        {
            return new StoredContainer(StoredState.Abandoned, null, TryReadJournal(runtime.Store.DirectoryOf(id)));
        }
    }

    private static JournalContents? TryReadJournal(string directory)
    {
        try
        {
            return JournalContents.Read(directory);
        }
        catch (SandboxException)
        {
            return null;
        }
    }

    private static OciSpec? TryReadSpec(Runtime runtime, string id, bool force)
    {
        try
        {
            return runtime.Spec(id);
        }
        catch (SpecException) when (force)
        {
            return null;
        }
    }
}
