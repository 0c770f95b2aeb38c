using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>checkpoint</c>: a running container into files.</summary>
internal sealed class CheckpointCommand : Command
{
    internal override string Name => "checkpoint";

    internal override string Summary => "save a running container to files";

    internal override string Usage => "[options] CONTAINER";

    internal override string Description =>
        "Saves all processes of a container, with CRIU, so that `restore` can make them again. The container is\ndeleted afterwards, unless --leave-running or --pre-dump. Isolation namespaces only.";

    internal override IReadOnlyList<Flag> Flags =>
    [
        .. CheckpointFlags.Shared,
        Flag.Text("parent-path", "DIR", "images of a --pre-dump, relative to --image-path: only what has changed since is saved"),
        Flag.Switch("leave-running", "let the container go on afterwards"),
        Flag.Switch("pre-dump", "save memory only, and let the container go on: what --parent-path names later"),
        Flag.Text("page-server", "ADDRESS:PORT", "send memory there instead of into the images"),
        Flag.Text("status-fd", "N", "a descriptor that is told once --lazy-pages is ready"),
    ];

    internal override int Run(Invocation invocation)
    {
        FlagValues flags = invocation.Flags;
        CheckpointOrder order = CheckpointFlags.Read(invocation) with
        {
            ParentPath = flags.Text("parent-path") is { Length: > 0 } parent ? parent : null,
            LeaveRunning = flags.IsSet("leave-running"),
            PreDump = flags.IsSet("pre-dump"),
            PageServer = CheckpointFlags.ServerOf(flags.Text("page-server")),
            StatusFd = StatusFd(flags.Text("status-fd")),
        };
        CheckParent(order);
        var runtime = new Runtime(invocation);
        string id = invocation.Arguments[0];
        using LockedContainer container = runtime.LoadLocked(id, Name);
        ContainerStatus status = container.Backend.Look(container.Record).Status;
        if (status is ContainerStatus.Created or ContainerStatus.Stopped)
        {
            throw new SandboxException($"Container cannot be checkpointed in {status.Name()} state");
        }

        OciSpec spec = runtime.Spec(id);
        CheckpointFlags.Require(container.Backend, "checkpoint").Checkpoint(container.Record, spec, order);
        if (!order.LeaveRunning && !order.PreDump)
        {
            container.Backend.Delete(container.Record, spec);
            runtime.Store.Remove(id);
        }

        return 0;
    }

    // CRIU resolves it from the images' directory, and says little when it is not there.
    private static void CheckParent(CheckpointOrder order)
    {
        if (order.ParentPath is not { } parent)
        {
            return;
        }

        if (Path.IsPathRooted(parent))
        {
            throw new SandboxException("--parent-path must be relative");
        }

        if (!Directory.Exists(Path.Combine(order.ImagePath, parent)))
        {
            throw new SandboxException($"invalid --parent-path: stat {Path.Combine(order.ImagePath, parent)}: no such file or directory");
        }
    }

    private static int StatusFd(string? text) =>
        string.IsNullOrEmpty(text) ? -1
        : int.TryParse(text, out int number) && number >= 0 ? number
        : throw new SandboxException($"invalid --status-fd argument {text}: not a descriptor");
}
