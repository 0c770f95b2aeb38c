using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Enters a container's namespaces, all at once, and clones the process there: a pid namespace takes children only.</summary>
internal static class ExecStage
{
    internal static int Run(ExecStageRequest request, bool mayProceed = false) =>
        InitFailure.Guard(request.Channel, () => Enter(request, mayProceed));

    private static int Enter(ExecStageRequest request, bool mayProceed)
    {
        if (request.Exec.DiesWithCreator)
        {
            Prctl.SetParentDeathSignal(Signal.SIGKILL);
        }

        Prctl.SetDumpable(false);
        if (request.Exec.EntersCgroup)
        {
            request.Exec.Cgroup!.JoinAsSingleThread(isInUnified: true);
        }

        if (!mayProceed)
        {
            request.Channel.Expect(InitMessageKind.Proceed);
        }

        using DirectoryFd hostProc = DirectoryFd.Open("/proc");
        if (request.Kinds != NamespaceKinds.None && !NamespaceCalls.TryJoin(request.Init, request.Kinds, out Errno why))
        {
            throw why == Errno.ESRCH
                ? new ContainerException("cannot exec in a stopped container", why)
                : ContainerException.Because($"setns to the container's namespaces ({request.Kinds})", why);
        }

        if (request.Kinds.HasFlag(NamespaceKinds.User))
        {
            NamespaceJoin.BecomeRoot();
        }

        var clone = new CloneRequest { Flags = CloneFlags.Parent };
        using ClonedProcess process = ManagedClone.Run(clone, () => ExecSequence.Run(request, hostProc));
        request.Channel.SendNumber(InitMessageKind.Pid, process.Pid, process.PidFd);
        return 0;
    }
}
