using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;

namespace Caisson.Sandboxes;

/// <summary>
/// Makes keepers: containers on the host, from the same root file system and mounts, whose last step is a keeper's loop instead of a
/// workload. A keeper is a direct child of the command, which must be a process of one thread: it goes on in the cloned child.
/// </summary>
internal static class KeeperLauncher
{
    /// <summary>Prepares a container's keeper; its hooks have run. It dies with this command until it is committed.</summary>
    /// <param name="sandbox">The sandbox's directory.</param>
    /// <param name="socketName">Where the keeper listens.</param>
    /// <param name="order">The container.</param>
    /// <param name="console">Where the terminal's master goes, or null.</param>
    /// <param name="onPid">Notes the keeper and puts it into its cgroup, before anything else happens to it.</param>
    internal static LaunchedContainer Create(
        SandboxDirectory sandbox, string socketName, CreateOrder order, UnixSocket? console, Action<int> onPid)
    {
        using UnixSocket listener = UnixSocket.Listen($"{sandbox.Path}/{socketName}");
        using FileFd lifeline = Lifeline.Watch(sandbox.Path);
        return ContainerLauncher.Create(new Containers.ContainerRequest
        {
            Id = order.Id,
            Bundle = order.Bundle,
            Spec = KeeperSpec.From(order.Spec),
            ConsoleSocket = console,
            UseCgroup = false,
            NoPivot = order.NoPivot,
            NoNewKeyring = true,
            RawTerminal = true,
            FinalStep = () => Keep(listener, lifeline, order.Spec.Process!),
            OnPid = onPid,
        });
    }

    /// <summary>Starts an exec's keeper beside the container's.</summary>
    internal static ContainerProcess Exec(
        SandboxDirectory sandbox, string socketName, ContainerRecord record, OciSpec spec, OciProcess process, UnixSocket? console, Cgroup? cgroup)
    {
        using UnixSocket listener = UnixSocket.Listen($"{sandbox.Path}/{socketName}");
        using FileFd lifeline = Lifeline.Watch(sandbox.Path);
        return ContainerExec.Start(new Containers.ExecRequest
        {
            Id = record.Id,
            Bundle = record.Bundle,
            Spec = KeeperSpec.From(spec),
            Process = KeeperSpec.ForKeeper(process),
            InitPid = record.Init.Pid,
            Cgroup = cgroup,
            ConsoleSocket = console,
            RawTerminal = true,
            FinalStep = () => Keep(listener, lifeline, process),
        });
    }

    internal static Protocol.Control.Keeper Describe(ProcessIdentity process, string socketName) => new()
    {
        Process = new HostProcess { Pid = process.Pid, StartTime = process.StartTimeTicks },
        Socket = socketName,
    };

    private static int Keep(UnixSocket listener, FileFd lifeline, OciProcess workload)
    {
        // Nothing else of the command leaks into a process that lives in the container's namespaces.
        Descriptors.CloseFromExcept(3, listener, lifeline);
        ProcessTitle.Set(workload.Args);
        ProcessTitle.ClearEnvironment();
        Prctl.SetDumpable(false);
        using var keeper = new Keeper(listener, lifeline, workload.Terminal);
        return keeper.Run();
    }
}
