using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Init's steps, in the order in which they happen.</summary>
internal sealed partial class InitSequence
{
    private readonly InitRequest _request;
    private readonly OciSpec _spec;
    private readonly InitChannel _channel;
    private bool _mayProceed;

    internal InitSequence(InitRequest request)
    {
        _request = request;
        _spec = request.Container.Spec;
        _channel = request.Channel;
        _request.Cgroup?.BeforeUse(AwaitCreator);
    }

    internal int Run()
    {
        EnterNamespaces();
        StartSession();
        using DirectoryFd hostProc = DirectoryFd.Open("/proc");
        using TerminalFd? terminal = BuildRootfs();
        NameHost();
        return RunWorkload(hostProc, terminal);
    }

    private void EnterNamespaces()
    {
        DieWithCreator();
        if (!_request.IsRootless)
        {
            Prctl.SetDumpable(false);
        }

        if (_request.IsStaged || _request.Namespaces.Creates(NamespaceKinds.User))
        {
            AwaitCreator();
        }

        if (_request.Namespaces.Creates(NamespaceKinds.User))
        {
            NamespaceJoin.BecomeRoot();
            DieWithCreator();    // cleared by the change of user
        }

        Prctl.SetDumpable(false);
        if (_request.Network is { } network)
        {
            network.Join(NamespaceKinds.Network);
        }

        if (!_request.IsStaged)
        {
            NamespaceJoin.All(_request.Namespaces.Joined);
        }
    }

    // Until here the creator works beside us. It has moved us into the cgroup now, or made it for us, so that a cgroup namespace has its root there.
    private void AwaitCreator()
    {
        if (_mayProceed)
        {
            return;
        }

        _channel.Expect(InitMessageKind.Proceed);
        _mayProceed = true;
        if (_request.EntersCgroup)
        {
            _request.Cgroup!.Enter();
        }

        if (_request.Namespaces.Creates(NamespaceKinds.Cgroup))
        {
            NamespaceCalls.Unshare(NamespaceKinds.Cgroup);
        }
    }

    private void StartSession()
    {
        if (!_request.Container.NoNewKeyring)
        {
            SessionKeyring.Join(_request.Container.Id, _channel.SendWarning);
        }

        Terminal.StartSession();
        if (_request.Namespaces.Creates(NamespaceKinds.Network))
        {
            LoopbackInterface.BringUp();
        }
    }

    private TerminalFd? BuildRootfs()
    {
        _ = UserIds.SetUmask(0);    // modes of what we make are exact
        if (!_request.Namespaces.Has(NamespaceKinds.Mount))
        {
            return EnterForeignRootfs();
        }

        using ContainerRootfs rootfs = ContainerRootfs.Attach(_request);
        rootfs.MountAll();
        rootfs.MakeDevices();
        AwaitCreator();
        RunCreationHooks(rootfs.Root);
        TerminalFd? terminal = OpenTerminal(rootfs.Root, bindsConsole: true);
        rootfs.MakeWorkingDirectory();
        WriteSysctls();
        rootfs.Seal();
        rootfs.Enter();
        return terminal;
    }

    // Without a mount namespace nothing can be mounted: the root file system is taken as it is.
    private TerminalFd? EnterForeignRootfs()
    {
        using PathFd root = PathFd.Open(RootPath.Of(_request.Container), OpenFlags.O_DIRECTORY);
        AwaitCreator();
        RunCreationHooks(root);
        TerminalFd? terminal = OpenTerminal(root, bindsConsole: false);
        WriteSysctls();
        RootEntry.ChangeRoot(root);
        return terminal;
    }

    private TerminalFd? OpenTerminal(FileDescriptor root, bool bindsConsole)
    {
        if (_spec.Process?.Terminal != true)
        {
            return null;
        }

        TerminalFd slave = ContainerTerminal.Open(root, _spec.Process, _request.Container.ConsoleSocket, _request.Container.RawTerminal);
        if (bindsConsole)
        {
            ContainerTerminal.BindConsole(root, slave);
        }

        return slave;
    }

    private void NameHost()
    {
        if (!string.IsNullOrEmpty(_spec.Hostname))
        {
            HostName.Set(_spec.Hostname);
        }

        if (!string.IsNullOrEmpty(_spec.Domainname))
        {
            HostName.SetDomain(_spec.Domainname);
        }
    }

    // By the host's procfs, which is real: the files answer for the namespaces of who writes.
    private void WriteSysctls()
    {
        foreach ((string key, string value) in _spec.Linux?.Sysctl ?? SpecMap.Empty<string>())
        {
            if (!SmallFile.TryWrite(SysctlName.Path(key), value, out Errno why))
            {
                throw ContainerException.Because($"write sysctl key {key}", why);
            }
        }
    }

    private void DieWithCreator()
    {
        if (_request.Container.DiesWithCreator)
        {
            Prctl.SetParentDeathSignal(Signal.SIGKILL);
        }
    }
}
