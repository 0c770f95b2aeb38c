using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>run</c>: create, start and, in the foreground, wait and delete.</summary>
internal sealed class RunCommand : Command
{
    internal override string Name => "run";

    internal override string Summary => "create and start a container, and wait for it";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description =>
        "Runs a bundle. Its exit code, or 128 plus the signal that killed it, is the command's; signals that\nthe command gets are passed on. The container is deleted when it ends, unless --keep or --detach.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        .. CreationFlags.Shared,
        Flag.Switch("detach", "do not wait for the container's end", 'd'),
        Flag.Switch("keep", "keep the container's record after its end"),
        Flag.Switch("no-subreaper", "leave orphans of the container to the host's init"),
    ];

    internal override string FailurePrefix => "caisson run failed: ";

    internal override bool EntersContainer => true;

    internal override bool MakesContainer => true;

    internal override bool PassesSignals(FlagValues flags) => true;

    internal override int Run(Invocation invocation)
    {
        string? pidFile = CreateCommand.AbsolutePidFile(invocation);
        bool detach = invocation.Flags.IsSet("detach");
        var runtime = new Runtime(invocation);
        using Creation creation = Creation.Begin(runtime, invocation, detach);
        return detach
            ? RunDetached(creation, pidFile)
            : new ForegroundRun(runtime, creation) { Started = pid => PidFile.Write(pidFile, pid), Keep = invocation.Flags.IsSet("keep") }.Go();
    }

    private static int RunDetached(Creation creation, string? pidFile)
    {
        ContainerRecord record = creation.Backend.Create(creation.Order, creation.Journal);
        try
        {
            using NotifySocket? notify = creation.BindNotification();
            creation.Backend.Start(record, creation.Order.Spec);
            creation.Order.Commit(record with { Status = ContainerLifecycle.Next(record.Status, ContainerEvent.Start) });
            PidFile.Write(pidFile, record.Init.Pid);
            creation.Unlock();
            notify?.PassReadiness(record.Init);
            return 0;
        }
        catch
        {
            creation.Withdraw(record);
            throw;
        }
    }
}
