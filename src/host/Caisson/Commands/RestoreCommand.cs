using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>restore</c>: a container from what <c>checkpoint</c> has saved.</summary>
internal sealed class RestoreCommand : Command
{
    internal override string Name => "restore";

    internal override string Summary => "make a container from a checkpoint";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description =>
        "Makes the processes of a checkpoint again, with CRIU, in a container of a name that is not taken. The\nbundle must be the checkpointed container's, or be like it. Isolation namespaces only.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        .. CreationFlags.Shared,
        .. CheckpointFlags.Shared,
        Flag.Switch("detach", "do not wait for the container's end", 'd'),
        Flag.Switch("no-subreaper", "leave orphans of the container to the host's init"),
        Flag.Text("lsm-profile", "KIND:LABEL", "another LSM profile than the saved one"),
    ];

    internal override string FailurePrefix => "caisson restore failed: ";

    internal override bool EntersContainer => true;

    internal override bool PassesSignals(FlagValues flags) => !flags.IsSet("detach");

    internal override int Run(Invocation invocation)
    {
        string? pidFile = CreateCommand.AbsolutePidFile(invocation);
        CheckpointOrder checkpoint = CheckpointFlags.Read(invocation) with
        {
            LsmProfile = invocation.Flags.Text("lsm-profile") is { Length: > 0 } profile ? profile : null,
        };
        bool detach = invocation.Flags.IsSet("detach");
        var runtime = new Runtime(invocation);
        using Creation creation = Creation.Begin(runtime, invocation, detach, isRestored: true);
        ICheckpoints backend = CheckpointFlags.Require(creation.Backend, "restore");
        var run = new ForegroundRun(runtime, creation)
        {
            Started = pid => PidFile.Write(pidFile, pid),
            Keep = detach,
            Work = running => backend.Restore(creation.Order, creation.Journal, checkpoint, running),
        };
        return run.Go();
    }
}
