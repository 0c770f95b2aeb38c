using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>One exec, from the creator's side.</summary>
internal static class ExecLaunch
{
    internal static ContainerProcess Start(ExecRequest request)
    {
        Check(request);
        request = request with { Cgroup = request.Cgroup?.ForFurtherProcess(request.InitPid) };
        (InitChannel channel, InitChannel stageEnd) = InitChannel.Pair(request.OnWarning);
        using (channel)
        using (stageEnd)
        using (PidFd init = OpenInit(request.InitPid))
        {
            var exec = new ExecStageRequest
            {
                Exec = request,
                Channel = stageEnd,
                Init = init,
                Kinds = DifferentNamespaces(request.InitPid),
            };
            try
            {
                return Converse(exec, channel);
            }
            catch (SyscallException cause)
            {
                throw new ContainerException($"unable to start container process: {cause.Message}", cause.Errno, cause);
            }
            catch (CgroupException cause)
            {
                throw new ContainerException($"unable to start container process: {cause.Message}", cause.Errno, cause);
            }
            catch (ContainerException cause)
            {
                throw new ContainerException($"unable to start container process: {cause.Message}", cause.Errno, cause);
            }
        }
    }

    private static ContainerProcess Converse(ExecStageRequest exec, InitChannel channel)
    {
        InitProcess process = VerbRequest.TryGive(exec) ? TakeGiven(exec, channel) : StartStage(exec, channel);
        try
        {
            exec.Exec.OnPid?.Invoke(process.Pid);
            while (channel.TryReceive(out ReceivedInitMessage message))
            {
                DeliverListener(exec.Exec, process, message);
                channel.Send(InitMessageKind.SeccompDelivered);
            }

            return new ContainerProcess(process.Pid, process.PidFd);
        }
        catch
        {
            process.Kill();
            throw;
        }
    }

    private static InitProcess TakeGiven(ExecStageRequest exec, InitChannel channel)
    {
        exec.Channel.Dispose();
        return InitProcess.OfTemplate(channel);
    }

    private static InitProcess StartStage(ExecStageRequest exec, InitChannel channel)
    {
        ClonedProcess stage = exec.Exec.Verb is not null ? VerbRequest.Start(exec) : Clone(exec, channel);
        exec.Channel.Dispose();
        Place(stage, exec.Exec);
        channel.Send(InitMessageKind.Proceed);
        return AfterStage(stage, exec.Exec, channel);
    }

    // What the stage cloned is our child, whether or not the stage lived to tell us its pid. It would go on and run; and even dead, as a
    // zombie, it would keep the pid namespace of a container that is being deleted from ending.
    private static InitProcess AfterStage(ClonedProcess stage, ExecRequest request, InitChannel channel)
    {
        try
        {
            return InitProcess.AfterStage(stage, channel);
        }
        catch when (request.Verb is null)
        {
            ProcessTree.EndOwnChildren();
            throw;
        }
    }

    private static ClonedProcess Clone(ExecStageRequest exec, InitChannel channel)
    {
        using DirectoryFd? cgroup =
            exec.Exec.EntersCgroup && exec.Exec.Cgroup!.UnifiedDirectory is not null ? exec.Exec.Cgroup.OpenUnifiedDirectory() : null;
        return ManagedClone.Run(new CloneRequest { Cgroup = cgroup }, () =>
        {
            channel.Dispose();
            return ExecStage.Run(exec);
        });
    }

    // Before it is in the cgroup the stage does nothing; what it clones is born there.
    private static void Place(ClonedProcess stage, ExecRequest request)
    {
        try
        {
            if (request.Process.ExecCpuAffinity?.Initial is { Length: > 0 } initial)
            {
                Scheduling.SetAffinity(stage.Pid, initial);
            }

            if (request.Process.OomScoreAdj is { } badness)
            {
                UserMaps.SetOomScore(stage.Pid, badness);
            }

            if (!request.EntersCgroup)
            {
                request.Cgroup?.Join(stage.Pid);
            }

            if (request.Process.ExecCpuAffinity?.Final is { Length: > 0 } final)
            {
                Scheduling.SetAffinity(stage.Pid, final);
            }
        }
        catch
        {
            _ = stage.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
            _ = stage.PidFd.Wait();
            throw;
        }
    }

    private static void DeliverListener(ExecRequest request, InitProcess process, ReceivedInitMessage message)
    {
        if (message.Kind != InitMessageKind.SeccompListener)
        {
            throw new ContainerException($"exec: unexpected message {message.Kind}", Errno.EPROTO);
        }

        using FileFd listener = process.PidFd.CopyDescriptor(message.Number);
        byte[] state = HookState.Write(request.Spec, request.Id, request.Bundle, ContainerStatus.Running, request.InitPid);
        SeccompAgent.Deliver(request.Spec, state, process.Pid, listener);
    }

    private static void Check(ExecRequest request)
    {
        if (request.FinalStep is null && request.Process.Args.Count == 0)
        {
            throw new ContainerException("process args cannot be empty", Errno.EINVAL);
        }

        LabelCheck.Check(request.Process, mountLabel: null);
        if (request.Process.Terminal && request.ConsoleSocket is null)
        {
            throw new ContainerException("cannot allocate tty if runc will detach without setting console socket", Errno.EINVAL);
        }

        if (request.Verb is not null && (request.FinalStep is not null || request.PreserveFds > 0))
        {
            throw new ContainerException("an exec by verb can neither take a final step nor preserve descriptors", Errno.EINVAL);
        }
    }

    private static PidFd OpenInit(int pid) =>
        PidFd.TryOpen(pid, out PidFd? init, out _)
            ? init
            : throw new ContainerException("cannot exec in a stopped container", Errno.ESRCH);

    // setns(2) refuses the user namespace one is in already, so the kinds are compared; a kind that this kernel lacks is skipped.
    private static NamespaceKinds DifferentNamespaces(int pid)
    {
        NamespaceKinds different = NamespaceKinds.None;
        ReadOnlySpan<NamespaceKinds> all =
        [
            NamespaceKinds.User, NamespaceKinds.Mount, NamespaceKinds.Pid, NamespaceKinds.Network,
            NamespaceKinds.Ipc, NamespaceKinds.Uts, NamespaceKinds.Cgroup, NamespaceKinds.Time,
        ];
        foreach (NamespaceKinds kind in all)
        {
            if (FileCalls.TryStat($"/proc/{pid}/ns/{kind.ProcName()}", out FileStatus theirs, out Errno why))
            {
                FileStatus ours = FileCalls.Stat($"/proc/self/ns/{kind.ProcName()}");
                different |= ours.IsSameFile(theirs) ? NamespaceKinds.None : kind;
            }
            else if (why != Errno.ENOENT || !FileCalls.TryStat($"/proc/{pid}", out _, out _))
            {
                throw ContainerException.Because($"namespaces of the container's init ({pid})", why);
            }
        }

        return different;
    }
}
