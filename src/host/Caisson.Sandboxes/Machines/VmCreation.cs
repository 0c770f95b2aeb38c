using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>
/// The making of a container in a machine of its own, as one transaction: disposed before <see cref="Release"/>, everything is undone.
/// The machine boots while this process makes the keeper. Each step is in the journal before it is taken.
/// </summary>
internal sealed class VmCreation : IDisposable
{
    private readonly CreateOrder _order;
    private readonly Journal _journal;
    private readonly SandboxDirectory _sandbox;
    private readonly MachineAssets _assets;
    private readonly NetworkRequest _network;
    private readonly List<Intent> _intents = [];
    private Cgroup? _cgroup;
    private bool _sharesCgroup;
    private SystemdPlacement? _systemd;
    private ProcessIdentity? _supervisor;
    private ControlClient? _client;
    private LaunchedContainer? _keeper;
    private bool _released;

    private VmCreation(CreateOrder order, Journal journal, SandboxDirectory sandbox, MachineAssets assets)
    {
        _network = NetworkRequest.Of(order.Spec, assets.Configured);
        _assets = assets;
        _order = order;
        _journal = journal;
        _sandbox = sandbox;
    }

    /// <summary>The container's keeper, once <see cref="Finish"/> has made it.</summary>
    internal LaunchedContainer Keeper => _keeper ?? throw new InvalidOperationException("the keeper is made by Finish");

    /// <summary>Starts the supervisor and lets it boot the machine.</summary>
    internal static VmCreation Begin(CreateOrder order, Journal journal, string sandboxes, MachineAssets assets)
    {
        // Before anything is made.
        Refusals.Require(Isolation.Vm, order.Spec);
        RequireNoDescriptors(order.PreserveFds);
        HostPolicies.Warn(order.Spec.Process, order.Spec.Linux, order.Warn);
        OciSpec spec = SharedMemory.OwnIn(order.Spec, order.Bundle);
        order = order with { Spec = TmpfsModes.Settle(spec, PassedMounts.RootfsPath(spec, order.Bundle)) };
        var creation = new VmCreation(order, journal, SandboxDirectory.Choose(sandboxes), MachineRequest.Apply(assets, order.Spec.VM));
        try
        {
            creation.MakePlaces();
            creation.StartSupervisor();
            if (!creation._network.IsMadeByHooks)
            {
                using NamespaceFd? network = creation._network.OpenNamespace();
                creation.BeginBoot(network);
            }

            return creation;
        }
        catch
        {
            creation.Dispose();
            throw;
        }
    }

    /// <summary>A descriptor of this kernel means nothing to another.</summary>
    internal static void RequireNoDescriptors(int preserved)
    {
        if (preserved > 0)
        {
            throw new SandboxException(
                $"--preserve-fds, or LISTEN_FDS: {preserved}: a descriptor of the host cannot be used in a virtual machine; use --isolation namespaces, or leave it out");
        }
    }

    /// <summary>Makes the keeper, waits for the machine, creates the container in the guest, and publishes it.</summary>
    /// <param name="console">Where the terminal's master goes, or null.</param>
    internal ContainerRecord Finish(UnixSocket? console)
    {
        string socketName = SandboxDirectory.ChooseKeeperSocket();
        _keeper = KeeperLauncher.Create(_sandbox, socketName, _order, console, _cgroup!, pid => Intend(Intent.Process(ProcessIdentity.Read(pid))));
        ProcessIdentity keeper = ProcessIdentity.Read(_keeper.Pid);
        if (_network.IsMadeByHooks)
        {
            // They have run, and whatever they put into the namespace is there.
            using NamespaceFd network = NamespaceFd.OfProcess(keeper.Pid, NamespaceKinds.Network);
            BeginBoot(network);
        }

        BootResponse booted = _client!.EndBoot();
        _order.Debug?.Invoke($"container {_order.Id}: the machine has booted, guest kernel {booted.GuestKernel}, agent {booted.AgentVersion}; keeper is pid {keeper.Pid}");
        HostLimits.ApplyBandwidth(_cgroup!, _order.Spec.Linux?.Resources);
        CreateInGuest();
        _order.Debug?.Invoke($"container {_order.Id}: created in the guest");
        ContainerRecord record = Record(keeper);
        _order.Commit(record);
        _keeper.Start();
        _client.Commit(_order.Id, KeeperLauncher.Describe(keeper, socketName));
        return record;
    }

    /// <summary>The container is published: what was made stays.</summary>
    internal void Release() => _released = true;

    public void Dispose()
    {
        _client?.Dispose();     // unpublished, the supervisor undoes and ends
        if (!_released)
        {
            Undo();
        }

        _keeper?.Dispose();
        _systemd?.Dispose();
    }

    private void MakePlaces()
    {
        Intend(new Intent(IntentKind.Sandbox, _sandbox.Path));
        _sandbox.Create();
        SandboxOrigin origin = Origin();
        origin.Write(_sandbox.Path);
        _systemd = SystemdPlacement.Choose(_order);
        string path = _systemd?.Path ?? CgroupNaming.PathFor(_order.Id, _order.Spec.Linux?.CgroupsPath);
        CgroupLayout layout = CgroupLayout.Discover();
        var planned = Cgroup.Open(layout, path);
        _sharesCgroup = _systemd is null && CgroupArrival.Inspect(planned, _order.Warn ?? (static _ => { }));
        if (!_sharesCgroup)
        {
            Intend(new Intent(IntentKind.Cgroup, RecordedCgroup.KeyOf(planned)));
        }

        origin = origin with { Cgroup = _sharesCgroup ? null : RecordedCgroup.KeyOf(planned), Unit = _systemd?.Unit };
        origin.Write(_sandbox.Path);
        if (_systemd is not null)
        {
            Intend(new Intent(IntentKind.Unit, _systemd.Unit));
        }
        else
        {
            MakeCgroup(layout, path);
        }
    }

    private SandboxOrigin Origin()
    {
        MachineSize size = SizeFor(_order.Spec.Linux?.Resources);
        return new SandboxOrigin
        {
            BootId = _order.BootId,
            Creator = ProcessIdentity.OfSelf(),
            Root = Path.GetDirectoryName(_order.RecordDirectory) ?? "/",
            Created = DateTime.UtcNow,
            VirtualCpus = size.VirtualCpus,
            MemoryMib = size.MemoryMib,
        };
    }

    private void MakeCgroup(CgroupLayout layout, string path)
    {
        _cgroup = Cgroup.Create(layout, path);
        LinuxResources? asked = _order.Spec.Linux?.Resources;
        HostLimits.ApplyToNew(_cgroup, asked, SizeFor(asked));
    }

    // systemd makes a scope only around a process: the first of the sandbox's.
    private void MakeUnit(SystemdPlacement systemd, int supervisor)
    {
        CgroupLayout layout = CgroupLayout.Discover();
        LinuxResources? asked = _order.Spec.Linux?.Resources;
        systemd.Start(supervisor, HostLimits.ForUnit(asked, SizeFor(asked)), layout.Mode == CgroupMode.Unified);
        MakeCgroup(layout, systemd.Path);
    }

    private MachineSize SizeFor(LinuxResources? asked) =>
        MachineSize.For(asked, _assets.Configured.Vcpus ?? 1, _assets.Configured.MemoryMiB ?? MachineSize.DefaultMemoryMib);

    private void StartSupervisor()
    {
        using UnixSocket control = UnixSocket.Listen(_sandbox.Control);
        using UnixSocket descriptors = UnixSocket.Listen(_sandbox.Descriptors);
        using ClonedProcess supervisor = new SupervisorCommand(_sandbox.Path, Reattach: false, Attempt: 0).StartSupervisor(control, descriptors);
        _supervisor = ProcessIdentity.Read(supervisor.Pid);
        Intend(Intent.Process(_supervisor.Value));
        if (_systemd is not null)
        {
            MakeUnit(_systemd, supervisor.Pid);
        }

        _cgroup!.Join(supervisor.Pid);
        _client = ControlClient.Connect(_sandbox.Path);
        _order.Debug?.Invoke($"container {_order.Id}: sandbox {_sandbox.Path}, supervisor is pid {supervisor.Pid}");
    }

    private void BeginBoot(NamespaceFd? network)
    {
        MachineSize size = SizeFor(_order.Spec.Linux?.Resources);
        _client!.BeginBoot(new BootRequest
        {
            Network = network is null ? null : _network.Describe(DescriptorDesk.Deliver(_sandbox.Descriptors, [network])),
            Vcpus = (uint)size.VirtualCpus,
            MemoryMib = (uint)size.MemoryMib,
            Qemu = _assets.Qemu,
            Virtiofsd = _assets.FileServer ?? "",
            Kernel = _assets.Kernel,
            Initrd = _assets.Initrd,
            Accelerator = _assets.Accelerator,
            KernelParameters = { _assets.Configured.KernelParameters },
            Hostname = _order.Spec.Hostname ?? _order.Id,
            Debug = _assets.Debug,
        });
    }

    private void CreateInGuest()
    {
        using PassedMounts mounts = PassedMounts.Open(_order.Spec, _order.Bundle);
        byte[] token = DescriptorDesk.Deliver(_sandbox.Descriptors, mounts.Descriptors);
        _client!.CreateContainer(new CreateContainerRequest
        {
            ContainerId = _order.Id,
            ConfigJson = ByteString.CopyFrom(SpecWriter.Write(_order.Spec)),
            DescriptorToken = ByteString.CopyFrom(token),
            Mounts = { mounts.Descriptions },
        });
    }

    private ContainerRecord Record(ProcessIdentity keeper) => new()
    {
        Id = _order.Id,
        Isolation = Isolation.Vm,
        Status = ContainerStatus.Created,
        BootId = _order.BootId,
        Init = keeper,
        Bundle = _order.Bundle,
        Rootfs = PassedMounts.RootfsPath(_order.Spec, _order.Bundle),
        Created = DateTime.UtcNow,
        OciVersion = _order.Spec.OciVersion!,
        OwnerUserId = UserIds.EffectiveUser,
        Cgroup = RecordedCgroup.KeyOf(_cgroup!),
        SharesCgroup = _sharesCgroup,
        SystemdUnit = _systemd?.Unit,
        SandboxId = _sandbox.Id,
        Annotations = _order.Spec.Annotations,
    };

    private void Intend(Intent intent)
    {
        _journal.Intend(intent);
        _intents.Add(intent);
    }

    private void Undo()
    {
        _keeper?.Abort();
        if (_sandbox.TryReadSnapshot() is { } snapshot)
        {
            SandboxRemains.Kill(snapshot);
        }

        SandboxRemains.Kill(_supervisor);
        if (_cgroup is { } cgroup && !_sharesCgroup)
        {
            cgroup.KillAll(Signal.SIGKILL);
            cgroup.Remove();
        }

        _systemd?.Undo();

        _sandbox.Remove();
        _intents.ForEach(_journal.Done);
    }
}
