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

        if (request.CgroupDirectory is not null && request.Exec.Process.OomScoreAdj is { } badness)
        {
            UserMaps.SetOwnOomScore(badness);
        }

        using DirectoryFd hostProc = DirectoryFd.Open("/proc");
        using DirectoryFd? birthplace = ChooseBirthplace(request);

        // Into a cgroup from outside of its namespace nobody can be born, so that one is entered afterwards.
        NamespaceKinds late = birthplace is null ? NamespaceKinds.None : request.Kinds & NamespaceKinds.Cgroup;
        Join(request.Init, request.Kinds & ~late);
        if (request.Kinds.HasFlag(NamespaceKinds.User))
        {
            NamespaceJoin.BecomeRoot();
        }

        var clone = new CloneRequest { Flags = CloneFlags.Parent, Cgroup = birthplace };
        using ClonedProcess process = ManagedClone.Run(clone, () => ExecSequence.Run(request, hostProc, late));
        request.Channel.SendNumber(InitMessageKind.Pid, process.Pid, process.PidFd);
        return 0;
    }

    /// <summary>Joins namespaces of the container.</summary>
    internal static void Join(PidFd init, NamespaceKinds kinds)
    {
        if (kinds != NamespaceKinds.None && !NamespaceCalls.TryJoin(init, kinds, out Errno why))
        {
            throw why == Errno.ESRCH
                ? new ContainerException("cannot exec in a stopped container", why)
                : ContainerException.Because($"setns to the container's namespaces ({kinds})", why);
        }
    }

    // Being cloned into a cgroup needs no lock that waits for a grace period of RCU (6 ms under emulation), as moving does. But the root
    // of a user namespace may not write there: then the stage moves itself while it still may.
    private static DirectoryFd? ChooseBirthplace(ExecStageRequest request)
    {
        if (request.CgroupDirectory is null || !request.Kinds.HasFlag(NamespaceKinds.User))
        {
            return request.CgroupDirectory;
        }

        using (request.CgroupDirectory)
        {
            if (!FileCalls.TryOpenAt(request.CgroupDirectory, "cgroup.procs", OpenFlags.O_WRONLY, out FileFd members, out Errno why))
            {
                throw new CgroupException("open cgroup.procs of the container", why);
            }

            using (members)
            {
                members.WriteAll("0");
            }

            return null;
        }
    }
}
