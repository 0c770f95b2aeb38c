using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// One sandbox and its containers: the heart of a supervisor. Its fields change under <see cref="_lock"/>, which is never held while
/// anything is asked of the guest, the machine or a keeper. Every change is in the snapshot before its effect can be seen from outside, but
/// for the beginning and the end of an exec, which the guest tells the next supervisor again.
/// </summary>
internal sealed partial class Sandbox : IAsyncDisposable
{
    // How long a guest may take to answer what must be quick, before its machine is ended instead. Under emulation on a loaded host an
    // answer has been seen to take two seconds.
    private static readonly TimeSpan s_guestPatience = TimeSpan.FromSeconds(20);

    // After SIGKILL of an init the kernel still has to unmap and write back.
    private const int KilledExitCode = 137;

    private readonly Lock _lock = new();
    private readonly SandboxPlace _place;
    private readonly ISandboxMachine _machine;
    private readonly ShareDirectory _share;
    private readonly Dictionary<string, SandboxContainer> _containers = [];     // under _lock
    private readonly CancellationTokenSource _lettingGo = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SandboxStatus _status = SandboxStatus.Booting;                      // under _lock
    private string? _owner;                                                     // under _lock: the first container
    private bool _isPod;                                                        // under _lock: stays until its owner is deleted
    private string? _cause;                                                     // under _lock
    private ProcessIdentity? _guardian;                                         // under _lock
    private Task? _stopping;                                                    // under _lock
    private Task _watching = Task.CompletedTask;
    private Task _watchingMemory = Task.CompletedTask;

    private readonly SupervisorLog _log;

    internal Sandbox(SandboxPlace place, ShareDirectory share, ISandboxMachine machine, SupervisorLog log)
    {
        _log = log;
        _place = place;
        _share = share;
        _machine = machine;
    }

    /// <summary>Nothing of the sandbox runs any more.</summary>
    internal Task Ended => _ended.Task;

    private IGuest Guest => _machine.Guest;

    /// <summary>Starts the machine and waits until its agent answers. Fails with everything undone.</summary>
    internal async Task<GuestGreeting> BootAsync(MachinePlan plan, CancellationToken cancellationToken)
    {
        try
        {
            Change(() => _isPod = plan.IsPod);
            await StartMachineAsync(plan, cancellationToken);
            _watching = WatchMachineAsync();
            GuestGreeting greeting = await Guest.PrepareAsync(_place.Id, plan.Hostname, cancellationToken);
            await TellNetworkAsync(cancellationToken);
            _watchingMemory = WatchMemoryAsync();
            WatchNetwork();
            Change(() => _status = SandboxLifecycle.Next(_status, SandboxEvent.AgentAnswered));
            return greeting;
        }
        catch
        {
            await StopAsync("the virtual machine did not boot");
            throw;
        }
    }

    /// <summary>Creates a container; its init waits in the guest. It is not kept beyond its creator's connection until <see cref="Commit"/>.</summary>
    /// <param name="containerId">The id, already checked by the command.</param>
    /// <param name="spec">The configuration as the caller gave it.</param>
    /// <param name="mounts">Detached mounts and their places; still the caller's.</param>
    /// <param name="sharing">What it has in common with others of the sandbox.</param>
    /// <param name="cancellationToken">Gives up and undoes.</param>
    internal async Task CreateContainerAsync(
        string containerId, OciSpec spec, IReadOnlyList<SharedMount> mounts, GuestSharing sharing, CancellationToken cancellationToken)
    {
        var container = new SandboxContainer(containerId, spec.Process?.Terminal ?? false);
        Change(() =>
        {
            RequireReady();
            RequireFreeNames(containerId, mounts);
            RequireShared(sharing);
            if (!_containers.TryAdd(containerId, container))
            {
                throw new SandboxException($"container with id exists: {containerId}");
            }

            sharing = sharing with { IsFurther = _owner is not null };
            _isPod |= sharing.IsFurther;
            _owner ??= containerId;
        });
        try
        {
            foreach (SharedMount mount in mounts)
            {
                Change(() => container.Shares.Add(mount.Name));
                _share.Place(mount.Name, mount.Source, mount.IsDirectory);
            }

            await RelayNamesAsync(container.Shares, cancellationToken);
            await Guest.CreateContainerAsync(containerId, GuestSpec.From(spec, containerId, sharing), sharing.Memory, cancellationToken);
            Change(() => container.Status = ContainerStatus.Created);
        }
        catch
        {
            await ForgetAsync(container);
            throw;
        }
    }

    /// <summary>The creator has published the container: its keeper is dialled, and it outlives its creator.</summary>
    internal void Commit(string containerId, ProcessIdentity keeper, string keeperSocket)
    {
        SandboxContainer container = Find(containerId);
        Change(() => container.Init.KeptBy(keeper, keeperSocket));
        StartRelay(container, container.Init);
    }

    /// <summary>Undoes a container whose creator vanished before <see cref="Commit"/>.</summary>
    internal async Task AbandonAsync(string containerId)
    {
        SandboxContainer? container;
        lock (_lock)
        {
            container = _containers.GetValueOrDefault(containerId);
        }

        if (container is { Init.Keeper: null })
        {
            await ForgetAsync(container);
        }

        if (Count == 0)
        {
            await StopAsync("the command that created it went away");
        }
    }

    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _containers.Count;
            }
        }
    }

    /// <summary>Records the guardian, for the one who cleans up when both are gone.</summary>
    internal void GuardedBy(ProcessIdentity? guardian) => Change(() => _guardian = guardian);

    public async ValueTask DisposeAsync()
    {
        await _lettingGo.CancelAsync();
        foreach (Task relay in Relays())
        {
            await relay.ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        await _machine.DisposeAsync();
        await _watching.ContinueWith(static _ => { }, TaskScheduler.Default);
        await _watchingMemory;
        foreach (SandboxContainer container in Containers())
        {
            container.Dispose();
        }

        await LeaveNetworkAsync();
        _networkEnding.Dispose();
        _networkTurn.Dispose();
        _network?.Dispose();
        _lettingGo.Dispose();
    }

    private SandboxContainer Find(string containerId)
    {
        lock (_lock)
        {
            return _containers.GetValueOrDefault(containerId) ?? throw new NoSuchContainerException();
        }
    }

    // Under _lock.
    private void RequireReady()
    {
        if (_status != SandboxStatus.Ready)
        {
            throw new SandboxException($"sandbox {_place.Id} is {_status.ToString().ToLowerInvariant()}{(_cause is null ? "" : $": {_cause}")}");
        }
    }

    // Under _lock. A container's directory in the share is called as it is, and another one's mount beside it, by its destination.
    private void RequireFreeNames(string containerId, IReadOnlyList<SharedMount> mounts)
    {
        foreach (SandboxContainer other in _containers.Values)
        {
            foreach (SharedMount mount in mounts)
            {
                if (mount.Name == other.Id)
                {
                    throw new SandboxException($"mounts: {mount.Name} is the name of a container in sandbox {_place.Id}");
                }
            }

            if (other.Shares.Contains(containerId))
            {
                throw new SandboxException($"container id {containerId} is the name of a mount of container {other.Id} in sandbox {_place.Id}");
            }
        }
    }

    // Under _lock. The agent looks for them again; a name that nobody has is refused before anything is made.
    private void RequireShared(GuestSharing sharing)
    {
        foreach (KeyValuePair<string, string> shared in sharing.Namespaces)
        {
            if (!_containers.TryGetValue(shared.Value, out SandboxContainer? other) || other.Status == ContainerStatus.Stopped)
            {
                throw new SandboxException($"linux.namespaces: the {shared.Key} namespace of container {shared.Value} cannot be joined: it is not running in sandbox {_place.Id}");
            }
        }
    }

    /// <summary>Forgets a container on both sides: one that was never published, or that is deleted out of its pod.</summary>
    private async Task ForgetAsync(SandboxContainer container)
    {
        using var patience = new CancellationTokenSource(s_guestPatience);
        try
        {
            await Guest.RemoveContainerAsync(container.Id, patience.Token);
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // The guest never had it, or has gone; its shares go in any case.
        }

        RemoveShares(container);
        Change(() => _containers.Remove(container.Id));
    }

    private void RemoveShares(SandboxContainer container)
    {
        for (int i = container.Shares.Count - 1; i >= 0; i--)
        {
            _share.Remove(container.Shares[i]);
        }

        _share.Remove(container.Id);
    }

    private void Change(Action change)
    {
        lock (_lock)
        {
            change();
            SaveLocked();
            TellWaiters();
        }
    }

    // For what a later supervisor finds out again by asking: it is written with the next change, because somebody is waiting.
    private void Note(Action change)
    {
        lock (_lock)
        {
            change();
        }
    }

    private void Save() => Change(static () => { });

    // The order of snapshots is the order of changes: written under the lock. The file is local and small.
    private void SaveLocked()
    {
        var containers = new List<ContainerSnapshot>(_containers.Count);
        foreach (SandboxContainer container in _containers.Values)
        {
            containers.Add(container.Snapshot());
        }

        SnapshotFile.Write(_place.Directory, new SandboxSnapshot
        {
            Id = _place.Id,
            BootId = _place.BootId,
            Status = _status,
            Owner = _owner,
            IsPod = _isPod,
            Cause = _cause,
            Supervisor = _place.Supervisor,
            Guardian = _guardian,
            Machine = _machine.Identity,
            FileServer = _machine.FileServerIdentity,
            Network = _networkRecord,
            Containers = containers,
        });
    }

    private List<Task> Relays()
    {
        var relays = new List<Task>();
        lock (_lock)
        {
            foreach (SandboxContainer container in _containers.Values)
            {
                relays.AddRange(Relays(container));
            }
        }

        return relays;
    }

    private List<Task> Relays(SandboxContainer container)
    {
        var relays = new List<Task>();
        lock (_lock)
        {
            foreach (SandboxProcess process in container.Processes)
            {
                if (process.Relay is { } relay)
                {
                    relays.Add(relay);
                }
            }
        }

        return relays;
    }
}

/// <summary>A detached mount for the guest.</summary>
/// <param name="Name">Its place in the shared directory.</param>
/// <param name="Source">The mount.</param>
/// <param name="IsDirectory">A directory, or a file.</param>
internal sealed record SharedMount(string Name, MountFd Source, bool IsDirectory);

/// <summary>Whose sandbox this is and where it lies.</summary>
/// <param name="Id">16 hexadecimal digits.</param>
/// <param name="Directory">The sandbox's directory.</param>
/// <param name="BootId">The host's boot: after another boot nothing here is alive.</param>
/// <param name="Supervisor">The process that owns it.</param>
internal sealed record SandboxPlace(string Id, string Directory, string BootId, ProcessIdentity Supervisor);
