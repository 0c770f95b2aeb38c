using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Containers from the host kernel's namespaces. The commands act directly, as runc's do: nothing of ours stays running beside a
/// detached container. Only for processes with one thread of their own: init is a managed clone of the command.
/// </summary>
public sealed partial class NamespacesBackend : IContainerBackend
{
    private const string FifoName = "exec.fifo";
    private static readonly TimeSpan s_killPatience = TimeSpan.FromSeconds(10);

    private readonly string _root;
    private readonly Action<string> _warn;

    /// <param name="root">Where the records are, and in them each created container's fifo.</param>
    /// <param name="warn">Told of what the user should hear though nothing failed.</param>
    public NamespacesBackend(string root, Action<string> warn)
    {
        _root = root;
        _warn = warn;
    }

    public Isolation Isolation => Isolation.Namespaces;

    /// <summary>Every Linux has namespaces; what a single container needs beyond is told when it fails.</summary>
    public void RequirePossible()
    {
    }

    public ContainerRecord Create(CreateOrder order, Journal journal)
    {
        ArgumentNullException.ThrowIfNull(order);
        using UnixSocket? console = Consoles.Connect(order.ConsoleSocket);
        string fifo = Path.Combine(order.RecordDirectory, FifoName);
        using LaunchedContainer launched = Launch(order, journal, console, fifo);
        try
        {
            ContainerRecord record = RecordOf(order, launched, ContainerStatus.Created);
            order.Commit(record);
            launched.Commit();
            return record;
        }
        catch
        {
            Abort(order, launched);
            throw;
        }
    }

    public void Start(ContainerRecord record, OciSpec spec)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(spec);
        using PidFd init = OpenInit(record) ?? throw new SandboxException("cannot start a container that has stopped");
        ContainerStarter.Start(FifoOf(record), init);
        RunPostStart(record, spec, init);
    }

    public int Run(CreateOrder order, Journal journal, Action<ContainerRecord> running)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(running);
        using ForegroundSession session = ForegroundSession.Begin(order.Notify);
        bool terminal = order.Spec.Process?.Terminal ?? false;
        using ConsolePair? console = terminal ? ConsolePair.Create() : null;
        if (!order.NoSubreaper)
        {
            Prctl.SetChildSubreaper(true);
        }

        using LaunchedContainer launched = Launch(order, journal, console?.Far, fifo: null);
        bool committed = false;
        try
        {
            ContainerRecord record = RecordOf(order, launched, ContainerStatus.Running);
            if (console is not null)
            {
                session.Attach(console.TakeMaster());
            }

            order.Commit(record);
            launched.Start();
            RunPostStart(record, order.Spec, launched.PidFd);
            running(record);
            committed = true;
        }
        finally
        {
            if (!committed)
            {
                Abort(order, launched);
            }
        }

        return session.WaitFor(launched.PidFd, launched.Wait, order.NoSubreaper ? 0 : launched.Pid);
    }

    public int Exec(ContainerRecord record, OciSpec spec, ExecOrder order)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(order);
        using ForegroundSession? session = order.Detach ? null : ForegroundSession.Begin();
        using ConsolePair? pair = order.Process.Terminal && !order.Detach ? ConsolePair.Create() : null;
        using UnixSocket? console = pair is null ? Consoles.Connect(order.ConsoleSocket) : null;
        if (session is not null && !order.NoSubreaper)
        {
            Prctl.SetChildSubreaper(true);
        }

        using ContainerProcess process = ContainerExec.Start(new ExecRequest
        {
            Id = record.Id,
            Bundle = record.Bundle,
            Spec = spec,
            // The process runs before its terminal is ours to size, so it is born with the right one.
            Process = pair is null || order.Process.ConsoleSize is not null ? order.Process : order.Process with { ConsoleSize = TerminalRelay.OwnSize() },
            InitPid = record.Init.Pid,
            Cgroup = ExecCgroup(record, order),
            ConsoleSocket = pair?.Far ?? console,
            PreserveFds = order.PreserveFds,
            OnWarning = _warn,
        });
        order.Announce(process);
        if (session is null)
        {
            return 0;
        }

        if (pair is not null)
        {
            session.Attach(pair.TakeMaster());
        }

        return session.WaitFor(process.PidFd, process.Wait, order.NoSubreaper ? 0 : process.Pid);
    }

    private LaunchedContainer Launch(CreateOrder order, Journal journal, UnixSocket? console, string? fifo)
    {
        Refusals.Require(Isolation.Namespaces, order.Spec);
        using SystemdPlacement? systemd = SystemdPlacement.Choose(order);
        CgroupChoice cgroup = CgroupChoice.For(order, systemd?.Path);
        Cgroup? planned = cgroup.IsOwn && Cgroup.Open(cgroup.Layout, cgroup.Path) is { Exists: false } missing ? missing : null;
        if (planned is not null)
        {
            // One that is there already is not ours to undo, nor what is in it.
            journal.Intend(new Intent(IntentKind.Cgroup, RecordedCgroup.KeyOf(planned)));
        }

        order.Debug?.Invoke($"container {order.Id}: cgroup {(cgroup.IsOwn ? cgroup.Path : "of the caller")}, {order.Spec.Mounts.Count} mounts; cloning init");
        ContainerRequest request = RequestOf(order, journal, console, fifo, cgroup) with { CgroupIsNew = planned is not null };
        LaunchedContainer launched = systemd is null ? ContainerLauncher.Create(request) : LaunchInUnit(order, journal, systemd, request);
        // Init is in it: from here it lives as long as the container.
        order.NetworkAhead?.Dispose();
        order.Debug?.Invoke($"container {order.Id}: init is pid {launched.Pid}, prepared up to its execve");
        return launched;
    }

    private static LaunchedContainer LaunchInUnit(CreateOrder order, Journal journal, SystemdPlacement systemd, ContainerRequest request)
    {
        journal.Intend(new Intent(IntentKind.Unit, systemd.Unit));
        LinuxResources? resources = order.Spec.Linux?.Resources;
        try
        {
            return ContainerLauncher.Create(request with
            {
                PlaceInit = pid => systemd.Start(pid, resources, request.CgroupLayout!.Mode == CgroupMode.Unified),
            });
        }
        catch
        {
            systemd.Undo();
            throw;
        }
    }

    private ContainerRequest RequestOf(CreateOrder order, Journal journal, UnixSocket? console, string? fifo, CgroupChoice cgroup) =>
        new()
        {
            Id = order.Id,
            Bundle = order.Bundle,
            Spec = order.Spec,
            ConsoleSocket = console,
            ExecFifo = fifo,
            PreserveFds = order.PreserveFds,
            NoPivot = order.NoPivot,
            NoNewKeyring = order.NoNewKeyring,
            UseCgroup = cgroup.IsOwn,
            CgroupsPath = cgroup.Path,
            CgroupLayout = cgroup.Layout,
            LimitsDevices = cgroup.LimitsDevices,
            Rootfs = order.Rootfs,
            NetworkAhead = order.NetworkAhead,
            OnPid = pid => journal.Intend(Intent.Process(ProcessIdentity.Read(pid))),
            OnWarning = _warn,
        };

    private static ContainerRecord RecordOf(CreateOrder order, LaunchedContainer launched, ContainerStatus status) => new()
    {
        Id = order.Id,
        Isolation = Isolation.Namespaces,
        Status = status,
        BootId = order.BootId,
        Init = launched.Identity,
        Bundle = order.Bundle,
        Rootfs = Path.GetFullPath(order.Spec.Root?.Path ?? "rootfs", order.Bundle),
        Created = DateTime.UtcNow,
        OciVersion = order.Spec.OciVersion ?? "",
        OwnerUserId = UserIds.EffectiveUser,
        Cgroup = launched.Cgroup is { } cgroup ? RecordedCgroup.KeyOf(cgroup) : null,
        SharesCgroup = launched.SharesCgroup,
        SystemdUnit = SystemdPlacement.UnitOf(order),
        WaitsOnFifo = status == ContainerStatus.Created,
        Annotations = order.Spec.Annotations,
    };

    // Poststop belongs to every container whose creation got as far as hooks could have run.
    private void Abort(CreateOrder order, LaunchedContainer launched)
    {
        launched.Abort();
        if (SystemdPlacement.UnitOf(order) is { } unit)
        {
            SystemdPlacement.Stop(unit);
        }

        if (order.Spec.Hooks is { Poststop.Count: > 0 } hooks)
        {
            HookRunner.RunAll("poststop", hooks.Poststop, State(order.Id, order.Bundle, order.Spec, ContainerStatus.Stopped, 0), _warn);
        }
    }

    // As runc does: a poststart hook that fails ends the container.
    private static void RunPostStart(ContainerRecord record, OciSpec spec, PidFd init)
    {
        if (spec.Hooks is not { Poststart.Count: > 0 } hooks)
        {
            return;
        }

        try
        {
            HookRunner.Run("poststart", hooks.Poststart, State(record.Id, record.Bundle, spec, ContainerStatus.Running, record.Init.Pid));
        }
        catch (ContainerException)
        {
            init.TrySendSignal((int)Signal.SIGKILL, out _);
            throw;
        }
    }

    private static byte[] State(string id, string bundle, OciSpec spec, ContainerStatus status, int pid) =>
        StateWriter.Hook(new OciState
        {
            OciVersion = spec.OciVersion ?? "",
            Id = id,
            Status = status,
            Pid = pid,
            Bundle = bundle,
            Annotations = spec.Annotations,
        });

    private string FifoOf(ContainerRecord record) => Path.Combine(_root, record.Id, FifoName);

    // The pidfd first, the identity second: then it is this very process that the pidfd means.
    private static PidFd? OpenInit(ContainerRecord record)
    {
        if (!PidFd.TryOpen(record.Init.Pid, out PidFd? init, out _))
        {
            return null;
        }

        if (record.BootId == BootId.Read() && record.Init.IsAlive)
        {
            return init;
        }

        init.Dispose();
        return null;
    }
}
