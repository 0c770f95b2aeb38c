using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>One creation, from the first step to the handing over; what is left when it fails is undone by <see cref="Dispose"/>.</summary>
internal sealed class ContainerLaunch : IDisposable
{
    private readonly ContainerRequest _request;
    private readonly NamespacePlan _namespaces;
    private readonly InitChannel _channel;
    private readonly InitChannel _initEnd;
    private readonly List<MountFd> _opened = [];
    private PathFd? _fifo;
    private CgroupPlace? _cgroup;
    private InitProcess? _init;
    private bool _handedOver;

    internal ContainerLaunch(ContainerRequest request)
    {
        _request = request.OwnsKernel ? request with { Spec = OwnSysctls.SetAndRemove(request.Spec) } : request;
        _namespaces = NamespacePlan.From(request.Spec.Linux);
        (_channel, _initEnd) = InitChannel.Pair(request.OnWarning);
    }

    internal LaunchedContainer Run()
    {
        try
        {
            return Launch();
        }
        catch (SyscallException cause)
        {
            throw new ContainerException($"unable to start container process: {cause.Message}", cause.Errno, cause);
        }
        catch (ContainerException cause)
        {
            throw new ContainerException($"unable to start container process: {cause.Message}", cause.Errno, cause);
        }
    }

    private LaunchedContainer Launch()
    {
        _cgroup = _request.UseCgroup ? CgroupPlace.Choose(_request) : null;
        _fifo = _request.ExecFifo is { } path ? ExecFifo.Create(path) : null;
        InitRequest init = new()
        {
            Container = _request,
            Namespaces = _namespaces,
            Channel = _initEnd,
            Fifo = _fifo,
            IsRootless = IsRootless,
            PreparedSources = OpenSources(),
            PreparedRootfs = OpenRootfs(),
            Network = _request.NetworkAhead?.Finish(),
            Cgroup = _cgroup,
        };
        if (init.EntersCgroup)
        {
            _cgroup!.Prepare();
        }

        _init = Clone(init);
        _initEnd.Dispose();
        _request.OnPid?.Invoke(_init.Pid);

        // Init makes its mounts meanwhile; it waits for us where it needs its ids or its cgroup, which it may enter by itself.
        Place(_init.Pid, init);
        _channel.Send(InitMessageKind.Proceed);
        Converse();
        _handedOver = true;
        return new LaunchedContainer(_init, _cgroup, _channel, _fifo is not null, ownsPids: _namespaces.Creates(NamespaceKinds.Pid));
    }

    private bool IsRootless => UserIds.EffectiveUser != 0 && _namespaces.Creates(NamespaceKinds.User);

    // Whether it is dumpable is inherited: a process whose own files belong to root could not be given its maps by an ordinary user.
    private InitProcess Clone(InitRequest init)
    {
        bool wasDumpable = Prctl.IsDumpable;
        if (!init.IsRootless || wasDumpable)
        {
            return InitProcess.Clone(init, _channel);
        }

        Prctl.SetDumpable(true);
        try
        {
            return InitProcess.Clone(init, _channel);
        }
        finally
        {
            Prctl.SetDumpable(false);
        }
    }

    private void Place(int pid, InitRequest init)
    {
        if (_namespaces.Creates(NamespaceKinds.User))
        {
            UserMaps.Write(pid, _request.Spec.Linux!);
        }

        if (_request.Spec.Process?.OomScoreAdj is { } badness)
        {
            UserMaps.SetOomScore(pid, badness);
        }

        NetworkDeviceMove.Run(_request.Spec.Linux?.NetDevices ?? SpecMap.Empty<LinuxNetDevice>(), _namespaces, pid);
        if (init.EntersCgroup)
        {
            _cgroup!.Complete(_request.Spec.Linux?.Resources);
        }
        else
        {
            _request.PlaceInit?.Invoke(pid);
            _cgroup?.Fill(pid, _request.Spec.Linux?.Resources);
        }
    }

    private void Converse()
    {
        while (true)
        {
            ReceivedInitMessage message = _channel.Receive();
            switch (message.Kind)
            {
                case InitMessageKind.Ready:
                    return;
                case InitMessageKind.RunHooks:
                    RunHooks();
                    _channel.Send(InitMessageKind.HooksDone);
                    break;
                case InitMessageKind.SeccompListener:
                    using (FileFd listener = _init!.PidFd.CopyDescriptor(message.Number))
                    {
                        SeccompAgent.Deliver(_request, _init.Pid, listener);
                    }

                    _channel.Send(InitMessageKind.SeccompDelivered);
                    break;
                default:
                    throw new ContainerException($"container init: unexpected message {message.Kind}", Errno.EPROTO);
            }
        }
    }

    private void RunHooks()
    {
        OciHooks hooks = _request.Spec.Hooks!;
        byte[] state = HookState.Write(_request, ContainerStatus.Creating, _init!.Pid);
        HookRunner.Run("prestart", hooks.Prestart, state);
        HookRunner.Run("createRuntime", hooks.CreateRuntime, state);
    }

    // What an unprivileged root could not reach, and what only a privileged one may map, is opened here.
    private Dictionary<int, MountFd> OpenSources()
    {
        var sources = new Dictionary<int, MountFd>();
        for (int index = 0; index < _request.Spec.Mounts.Count; index++)
        {
            if (PreparedSource.TryOpen(_request, _namespaces, index, out MountFd? source))
            {
                _opened.Add(source);
                sources.Add(index, source);
            }
        }

        return sources;
    }

    private MountFd? OpenRootfs()
    {
        if (_request.Rootfs is not null || !PreparedSource.IsNeeded(_namespaces))
        {
            return null;
        }

        MountFd root = RootPath.Open(RootPath.Of(_request));
        _opened.Add(root);
        BindSource.Isolate(root);
        return root;
    }

    public void Dispose()
    {
        _initEnd.Dispose();
        _fifo?.Dispose();
        foreach (MountFd source in _opened)
        {
            source.Dispose();
        }

        if (!_handedOver)
        {
            Undo();
        }
    }

    private void Undo()
    {
        _channel.Dispose();
        _init?.Kill();
        _cgroup?.Undo(killsAll: !_namespaces.Creates(NamespaceKinds.Pid));
        if (_fifo is not null)
        {
            _ = FileCalls.TryRemove(_request.ExecFifo!, isDirectory: false, out _);
        }
    }
}
