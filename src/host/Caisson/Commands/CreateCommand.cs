using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>create</c>: everything up to the workload's first instruction.</summary>
internal sealed class CreateCommand : Command
{
    internal override string Name => "create";

    internal override string Summary => "create a container; `start` runs its process";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description =>
        "Prepares a container from a bundle (a directory with a config.json and a root file system) under a\nname that is not taken yet, up to the point where only its process remains to be executed.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        .. CreationFlags.Shared,
        Flag.Text(CreationFlags.Sandbox, "CONTAINER", "put the container into the virtual machine of this one, as the containers of a pod"),
    ];

    internal override string FailurePrefix => "caisson create failed: ";

    internal override bool EntersContainer => true;

    internal override bool MakesContainer => true;

    /// <summary>It passes nothing on, but undoes when it is told to end.</summary>
    internal override bool PassesSignals(FlagValues flags) => true;

    internal override int Run(Invocation invocation)
    {
        string? pidFile = AbsolutePidFile(invocation);
        using Creation creation = Creation.Begin(new Runtime(invocation), invocation, detach: true);
        ContainerRecord record = creation.Backend.Create(creation.Order, creation.Journal);
        try
        {
            PidFile.Write(pidFile, record.Init.Pid);
            return 0;
        }
        catch
        {
            creation.Withdraw(record);
            throw;
        }
    }

    // Before the bundle becomes the working directory: a relative path is meant from where the caller stands.
    internal static string? AbsolutePidFile(Invocation invocation) =>
        invocation.Flags.Text(CreationFlags.PidFile) is { Length: > 0 } path ? Path.GetFullPath(path) : null;
}
