using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Containers in virtual machines, as commands reach them: <c>create</c> starts the sandbox's supervisor and makes the keeper; every
/// later command is a short call on control.sock. A process of one thread throughout: keepers are cloned from it.
/// </summary>
public sealed partial class VmBackend : IContainerBackend
{
    private readonly string _sandboxes;
    private readonly Func<MachineAssets> _findAssets;
    private readonly Action<string> _warn;

    /// <param name="sandboxes">Where sandboxes' directories lie.</param>
    /// <param name="findAssets">Finds QEMU, virtiofsd, kernel and initrd and decides on the accelerator; fails with the remedy.</param>
    /// <param name="warn">Told of what the user should hear though nothing failed.</param>
    public VmBackend(string sandboxes, Func<MachineAssets> findAssets, Action<string> warn)
    {
        _warn = warn;
        _sandboxes = sandboxes;
        _findAssets = findAssets;
    }

    public Isolation Isolation => Isolation.Vm;

    public void RequirePossible()
    {
        if (UserIds.EffectiveUser != 0)
        {
            throw new SandboxException(
                "isolation vm needs root for now: the container's files are shared from a mount namespace, and QEMU is jailed under a user of its own; an ordinary user may have --isolation namespaces");
        }

        _ = _findAssets();
    }

    public ContainerRecord Create(CreateOrder order, Journal journal)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(journal);
        using UnixSocket? console = Consoles.Connect(order.ConsoleSocket);
        using VmCreation creation = Begin(order, journal);
        ContainerRecord record = creation.Finish(console);
        creation.Release();
        return record;
    }

    public int Run(CreateOrder order, Journal journal, Action<ContainerRecord> running)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(running);
        using ForegroundSession session = ForegroundSession.Begin();
        using ConsolePair? console = order.Spec.Process is { Terminal: true } ? ConsolePair.Create() : null;
        if (!order.NoSubreaper)
        {
            Prctl.SetChildSubreaper(true);
        }

        using VmCreation creation = Begin(order, journal);
        ContainerRecord record = creation.Finish(console?.Far);
        if (console is not null)
        {
            session.Attach(console.TakeMaster());
        }

        Start(record, order.Spec);
        running(record);
        creation.Release();
        int code = session.WaitFor(creation.Keeper.PidFd, creation.Keeper.Wait);
        WarnOfCause(record);
        return code;
    }

    private VmCreation Begin(CreateOrder order, Journal journal)
    {
        if (order.Sandbox is not { } first)
        {
            return VmCreation.Begin(order, journal, _sandboxes, _findAssets());
        }

        // A process that has ended leaves namespaces that nobody can join, and soon no machine.
        return first.SandboxId is not null && Look(first).Status is not ContainerStatus.Stopped
            ? MemberCreation.Begin(order, journal, _sandboxes)
            : throw new SandboxException($"--sandbox {first.Id}: container {first.Id} is not running, and its sandbox takes no further container");
    }

    private void WarnOfCause(ContainerRecord record)
    {
        if (PlaceOf(record).TryReadSnapshot() is { Cause: { } cause })
        {
            _warn(cause);
        }
    }

    public void Start(ContainerRecord record, OciSpec spec)
    {
        using ControlClient client = Connect(record);
        client.Start(record.Id);
        if (spec.Hooks is not { Poststart.Count: > 0 } hooks)
        {
            return;
        }

        try
        {
            HookRunner.Run("poststart", hooks.Poststart, HookStateOf(record, ContainerStatus.Running));
        }
        catch (ContainerException)
        {
            // As runc does: a poststart hook that fails ends the container.
            client.Signal(record.Id, (int)Signal.SIGKILL, all: true);
            throw;
        }
    }

    public LiveContainer Look(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Status == ContainerStatus.Creating || record.BootId != BootId.Read())
        {
            return new LiveContainer(ContainerStatus.Stopped, 0);
        }

        // The keeper is the truth: it goes on as long as the process it stands for, whatever happens to the rest.
        SandboxSnapshot? snapshot = PlaceOf(record).TryReadSnapshot();
        ContainerSnapshot? container = Find(snapshot, record.Id);
        return record.Init.IsAlive && container is { Status: not ContainerStatus.Stopped }
            ? new LiveContainer(container.Status, record.Init.Pid)
            : new LiveContainer(ContainerStatus.Stopped, 0, container is { Status: ContainerStatus.Stopped } ? container.Cause : container?.Cause ?? snapshot?.Cause);
    }

    public void Kill(ContainerRecord record, int signal, bool all)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (Look(record).Status == ContainerStatus.Stopped)
        {
            // Every process of a machine that has ended has got its signal.
            if (all)
            {
                return;
            }

            throw new SandboxException("container not running");
        }

        if (signal == 0)
        {
            return;     // kill(2): only asks whether it is there
        }

        try
        {
            using ControlClient client = Connect(record);
            client.Signal(record.Id, signal, all);
        }
        catch (SupervisorGoneException) when (Look(record).Status == ContainerStatus.Stopped)
        {
            throw new SandboxException("container not running");
        }
        catch (SupervisorGoneException) when (signal == (int)Signal.SIGKILL)
        {
            EndRemains(record);
        }
    }

    public void Delete(ContainerRecord record, OciSpec? spec)
    {
        try
        {
            using ControlClient client = Connect(record);
            client.Delete(record.Id, force: true);
        }
        catch (SandboxException)
        {
            // Gone, or it cannot: what is left is ended below, without its help.
        }

        EndRemains(record);
        if (spec?.Hooks is { Poststop.Count: > 0 } hooks)
        {
            HookRunner.RunAll("poststop", hooks.Poststop, HookStateOf(record, ContainerStatus.Stopped), _warn);
        }
    }

    public IReadOnlyList<string> Dependents(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var running = new List<string>();
        if (record.SandboxOwner is null && record.BootId == BootId.Read() && PlaceOf(record).TryReadSnapshot() is { } snapshot)
        {
            foreach (ContainerSnapshot container in snapshot.Containers)
            {
                if (container.Id != record.Id && container is { Status: not ContainerStatus.Stopped, Init.Keeper: { IsAlive: true } })
                {
                    running.Add(container.Id);
                }
            }
        }

        return running;
    }

    /// <summary>The keepers: engines run the host's ps on these.</summary>
    public IReadOnlyList<int> HostPids(ContainerRecord record)
    {
        ContainerSnapshot? container = Find(record);
        var pids = new List<int>();
        foreach (ProcessSnapshot process in container is null ? [] : (ProcessSnapshot[])[container.Init, .. container.Execs])
        {
            if (process.Keeper is { IsAlive: true } keeper)
            {
                pids.Add(keeper.Pid);
            }
        }

        return pids;
    }

    // ps -ef of nothing.
    private const string EmptyProcessTable = "UID          PID    PPID  C STIME TTY          TIME CMD";

    public IReadOnlyList<string> ProcessTable(ContainerRecord record, IReadOnlyList<string> options)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (Look(record).Status == ContainerStatus.Stopped)
        {
            return [EmptyProcessTable];
        }

        using ControlClient client = Connect(record);
        return GuestText.Lines(client.ListProcesses(record.Id, "table", options));
    }

    public void Pause(ContainerRecord record)
    {
        using ControlClient client = Connect(record);
        client.Pause(record.Id);
    }

    public void Unpause(ContainerRecord record)
    {
        using ControlClient client = Connect(record);
        client.Resume(record.Id);
    }

    public void Update(ContainerRecord record, LinuxResources resources)
    {
        Refusals.Require(Isolation.Vm, resources);
        using ControlClient client = Connect(record);
        if (record.Cgroup is { } key)
        {
            HostLimits.Update(RecordedCgroup.Open(key), resources);
        }

        client.Update(record.Id, SpecWriter.Write(resources));
    }

    private ControlClient Connect(ContainerRecord record) => ControlClient.Connect(PlaceOf(record).Path);

    private SandboxDirectory PlaceOf(ContainerRecord record) => SandboxDirectory.Of(
        _sandboxes, record.SandboxId ?? throw new SandboxException($"container {record.Id}: its record names no sandbox; `caisson delete --force {record.Id}`"));

    private ContainerSnapshot? Find(ContainerRecord record) => Find(PlaceOf(record).TryReadSnapshot(), record.Id);

    private static ContainerSnapshot? Find(SandboxSnapshot? snapshot, string containerId)
    {
        foreach (ContainerSnapshot container in snapshot?.Containers ?? [])
        {
            if (container.Id == containerId)
            {
                return container;
            }
        }

        return null;
    }

    private static byte[] HookStateOf(ContainerRecord record, ContainerStatus status) => StateWriter.Hook(new OciState
    {
        OciVersion = record.OciVersion,
        Id = record.Id,
        Status = status,
        Pid = status == ContainerStatus.Stopped ? 0 : record.Init.Pid,
        Bundle = record.Bundle,
        Annotations = new SpecMap<string>(record.Annotations),
    });
}
