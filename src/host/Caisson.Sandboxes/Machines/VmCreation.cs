using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>
/// The making of a container in a machine of its own, as one transaction: disposed before <see cref="Release"/>, everything is undone.
/// The machine boots while this process makes the keeper. Each step is in the journal before it is taken. A machine that is there already
/// gets its further containers by <see cref="MemberCreation"/>.
/// </summary>
internal class VmCreation : IDisposable
{
    private readonly CreateOrder _order;
    private readonly Journal _journal;
    private readonly SandboxDirectory _sandbox;
    private readonly MachineAssets? _assets;
    private readonly NetworkRequest? _network;
    private readonly SandboxMemory? _memory;
    private readonly List<Intent> _intents = [];
    private Cgroup? _cgroup;
    private bool _sharesCgroup;
    private SystemdPlacement? _systemd;
    private ProcessIdentity? _supervisor;
    private ControlClient? _client;
    private LaunchedContainer? _keeper;
    private bool _released;

    private protected VmCreation(CreateOrder order, Journal journal, SandboxDirectory sandbox, MachineAssets? assets, SandboxMemory? memory)
    {
        _network = assets is null ? null : NetworkRequest.Of(order.Spec, assets.Configured);
        _memory = memory;
        _assets = assets;
        _order = order;
        _journal = journal;
        _sandbox = sandbox;
    }

    /// <summary>The container's keeper, once <see cref="Finish"/> has made it.</summary>
    internal LaunchedContainer Keeper => _keeper ?? throw new InvalidOperationException("the keeper is made by Finish");

    private protected CreateOrder Order => _order;

    private protected SandboxDirectory Sandbox => _sandbox;

    /// <summary>Starts the supervisor and lets it boot the machine.</summary>
    internal static VmCreation Begin(CreateOrder order, Journal journal, string sandboxes, MachineAssets assets)
    {
        SandboxMemory? memory = PodAnnotations.IsSandbox(order.Spec.Annotations) ? SharedMemory.OfPod(order.Spec, order.Bundle) : null;
        order = Checked(order);
        var creation = new VmCreation(order, journal, SandboxDirectory.Choose(sandboxes), MachineRequest.Apply(assets, order.Spec.VM), memory);
        try
        {
            creation.MakePlaces();
            creation.StartSupervisor();
            if (!creation._network!.IsMadeByHooks)
            {
                using NamespaceFd? network = creation._network!.OpenNamespace();
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

    /// <summary>Refuses what cannot be, before anything is made, and settles what the keeper's mounts would otherwise change.</summary>
    private protected static CreateOrder Checked(CreateOrder order)
    {
        Refusals.Require(Isolation.Vm, order.Spec);
        RequireNoDescriptors(order.PreserveFds);
        HostPolicies.Warn(order.Spec.Process, order.Spec.Linux, order.Warn);
        OciSpec spec = SharedMemory.OwnIn(order.Spec, order.Bundle);
        return order with { Spec = TmpfsModes.Settle(spec, PassedMounts.RootfsPath(spec, order.Bundle)) };
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
        _keeper = KeeperLauncher.Create(_sandbox, socketName, _order, console, OnKeeper);
        ProcessIdentity keeper = ProcessIdentity.Read(_keeper.Pid);
        AwaitMachine(keeper);
        CreateInGuest();
        _order.Debug?.Invoke($"container {_order.Id}: created in the guest");
        ContainerRecord record = Record(keeper);
        _order.Commit(record);
        _keeper.Start();
        _client!.Commit(_order.Id, KeeperLauncher.Describe(keeper, socketName));
        return record;
    }

    /// <summary>The container is published: what was made stays.</summary>
    internal void Release() => _released = true;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    private protected void Dispose(bool disposing)
    {
        _client?.Dispose();     // unpublished, the supervisor undoes and ends
        if (!_released)
        {
            Undo();
        }

        _keeper?.Dispose();
        _systemd?.Dispose();
    }

    /// <summary>Until the machine answers.</summary>
    private protected virtual void AwaitMachine(ProcessIdentity keeper)
    {
        if (_network!.IsMadeByHooks)
        {
            // They have run, and whatever they put into the namespace is there.
            using NamespaceFd network = NamespaceFd.OfProcess(keeper.Pid, NamespaceKinds.Network);
            BeginBoot(network);
        }

        BootResponse booted = _client!.EndBoot();
        _order.Debug?.Invoke($"container {_order.Id}: the machine has booted, guest kernel {booted.GuestKernel}, agent {booted.AgentVersion}; keeper is pid {keeper.Pid}");
        HostLimits.ApplyBandwidth(_cgroup!, Limits);
    }

    /// <summary>The keeper has just been cloned.</summary>
    private protected virtual void OnKeeper(int pid)
    {
        _cgroup!.Join(pid);
        Intend(Intent.Process(ProcessIdentity.Read(pid)));
    }

    private void MakePlaces()
    {
        Intend(new Intent(IntentKind.Sandbox, _sandbox.Path));
        _sandbox.Create();
        SandboxOrigin origin = Origin();
        origin.Write(_sandbox.Path);
        PlanCgroup(onPlanned: key =>
        {
            origin = origin with { Cgroup = key, Unit = _systemd?.Unit };
            origin.Write(_sandbox.Path);
        });
    }

    /// <summary>Chooses the cgroup, and makes it where it is not systemd's to make.</summary>
    /// <param name="onPlanned">Told how it will be recorded, before it is made; null where it is there already.</param>
    private protected void PlanCgroup(Action<string?>? onPlanned = null)
    {
        _systemd = SystemdPlacement.Choose(_order);
        string path = _systemd?.Path ?? CgroupNaming.PathFor(_order.Id, _order.Spec.Linux?.CgroupsPath);
        CgroupLayout layout = CgroupLayout.Discover();
        var planned = Cgroup.Open(layout, path);
        _sharesCgroup = _systemd is null && CgroupArrival.Inspect(planned, _order.Warn ?? (static _ => { }));
        if (!_sharesCgroup)
        {
            Intend(new Intent(IntentKind.Cgroup, RecordedCgroup.KeyOf(planned)));
        }

        onPlanned?.Invoke(_sharesCgroup ? null : RecordedCgroup.KeyOf(planned));
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
        MachineSize size = SizeFor(Limits);
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
        HostLimits.ApplyToNew(_cgroup, Limits, SizeFor(Limits));
    }

    // systemd makes a scope only around a process: the first that comes into the cgroup.
    private protected void MakeUnit(int first)
    {
        if (_systemd is { } systemd)
        {
            CgroupLayout layout = CgroupLayout.Discover();
            systemd.Start(first, HostLimits.ForUnit(Limits, SizeFor(Limits)), layout.Mode == CgroupMode.Unified);
            MakeCgroup(layout, systemd.Path);
        }
    }

    /// <summary>What the cgroup on the host is held to.</summary>
    private protected virtual LinuxResources? Limits => PodAnnotations.MachineResources(_order.Spec);

    private MachineSize SizeFor(LinuxResources? asked) =>
        MachineSize.For(asked, _assets?.Configured.Vcpus ?? 1, _assets?.Configured.MemoryMiB ?? MachineSize.DefaultMemoryMib);

    private void StartSupervisor()
    {
        using UnixSocket control = UnixSocket.Listen(_sandbox.Control);
        using UnixSocket descriptors = UnixSocket.Listen(_sandbox.Descriptors);
        using ClonedProcess supervisor = new SupervisorCommand(_sandbox.Path, Reattach: false, Attempt: 0).StartSupervisor(control, descriptors);
        _supervisor = ProcessIdentity.Read(supervisor.Pid);
        Intend(Intent.Process(_supervisor.Value));
        MakeUnit(supervisor.Pid);
        _cgroup!.Join(supervisor.Pid);
        Connect();
        _order.Debug?.Invoke($"container {_order.Id}: sandbox {_sandbox.Path}, supervisor is pid {supervisor.Pid}");
    }

    private protected ControlClient Connect() => _client = ControlClient.Connect(_sandbox.Path);

    private void BeginBoot(NamespaceFd? network)
    {
        MachineSize size = SizeFor(Limits);
        _client!.BeginBoot(new BootRequest
        {
            Pod = PodAnnotations.IsSandbox(_order.Spec.Annotations),
            Network = network is null ? null : _network!.Describe(DescriptorDesk.Deliver(_sandbox.Descriptors, [network])),
            Vcpus = (uint)size.VirtualCpus,
            MemoryMib = (uint)size.MemoryMib,
            Qemu = _assets!.Qemu,
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
        var request = new CreateContainerRequest
        {
            ContainerId = _order.Id,
            ConfigJson = ByteString.CopyFrom(SpecWriter.Write(_order.Spec)),
            DescriptorToken = ByteString.CopyFrom(token),
            Mounts = { mounts.Descriptions },
            Memory = _memory is null ? null : new Protocol.Control.SharedMemory { Name = _memory.Name, SizeBytes = _memory.SizeBytes },
        };
        Complete(request);
        _client!.CreateContainer(request);
    }

    /// <summary>Adds what the container shares with others.</summary>
    private protected virtual void Complete(CreateContainerRequest request)
    {
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
        SandboxOwner = _order.Sandbox is { } first ? first.SandboxOwner ?? first.Id : null,
        Annotations = _order.Spec.Annotations,
    };

    private protected void Intend(Intent intent)
    {
        _journal.Intend(intent);
        _intents.Add(intent);
    }

    private void Undo()
    {
        _keeper?.Abort();
        EndSandbox();
        if (_cgroup is { } cgroup && !_sharesCgroup)
        {
            cgroup.KillAll(Signal.SIGKILL);
            cgroup.Remove();
        }

        _systemd?.Undo();
        LeaveSandbox();
        _intents.ForEach(_journal.Done);
    }

    /// <summary>Ends everything in the sandbox that was begun for this container.</summary>
    private protected virtual void EndSandbox()
    {
        if (_sandbox.TryReadSnapshot() is { } snapshot)
        {
            SandboxRemains.Kill(snapshot);
        }

        SandboxRemains.Kill(_supervisor);
    }

    /// <summary>Removes what the container has in the sandbox's directory.</summary>
    private protected virtual void LeaveSandbox() => _sandbox.Remove();
}
