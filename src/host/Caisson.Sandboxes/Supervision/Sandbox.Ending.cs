using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <content>Restoring after a supervisor's death, carrying streams, and every way to end.</content>
internal sealed partial class Sandbox
{
    // A keeper whose reader is stuck holds up the end of its own sandbox only so long.
    private static readonly TimeSpan s_keeperPatience = TimeSpan.FromSeconds(10);

    // From the loss of the agent until QEMU, which gives back its memory first, is seen to be gone.
    private static readonly TimeSpan s_verdictPatience = TimeSpan.FromSeconds(5);

    // Completes when the machine is gone: true if it ended by itself, false if we ended it.
    private readonly TaskCompletionSource<bool> _verdict = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Takes over what an earlier supervisor wrote down. Before anything is saved, or it would be overwritten.</summary>
    internal void Load(SandboxSnapshot snapshot)
    {
        lock (_lock)
        {
            _status = snapshot.Status;
            _owner = snapshot.Owner;
            _isPod = snapshot.IsPod;
            _cause = snapshot.Cause;
            _machine.Remember(snapshot.Machine, snapshot.FileServer);
            _networkRecord = snapshot.Network;
            _network = SandboxNetwork.Reopen(snapshot);
            foreach (ContainerSnapshot container in snapshot.Containers)
            {
                _containers.Add(container.Id, new SandboxContainer(container));
            }
        }
    }

    /// <summary>Continues after an earlier supervisor's death: nothing running is disturbed.</summary>
    internal async Task RestoreAsync(SandboxSnapshot snapshot)
    {
        if (snapshot.Machine is not null && !await TryAttachAsync())
        {
            await StopAsync("the virtual machine ended with its supervisor");
            return;
        }

        if (snapshot.Status != SandboxStatus.Ready)
        {
            // Its creator's connection died with the earlier supervisor: there is nobody to finish for.
            await StopAsync("the supervisor ended before the sandbox was ready");
            return;
        }

        _watching = WatchMachineAsync();
        _watchingMemory = WatchMemoryAsync();
        WatchNetwork();
        Save();
        foreach (SandboxContainer container in Containers())
        {
            await RestoreAsync(container);
            _ = RelayNamesAsync(container.Shares, _lettingGo.Token);
        }

        StopIfIdle();
    }

    private async Task<bool> TryAttachAsync()
    {
        try
        {
            await _machine.AttachAsync(_lettingGo.Token);
            return true;
        }
        catch (SandboxException cause)
        {
            _log.Error($"attach: {cause.Message}");
            return false;
        }
    }

    /// <summary>Ends the machine and everything in it. Callers share one ending; the first cause is kept.</summary>
    internal Task StopAsync(string? cause)
    {
        lock (_lock)
        {
            if (_stopping is null)
            {
                _cause ??= cause;
                if (_status is SandboxStatus.Booting or SandboxStatus.Ready)
                {
                    _status = SandboxLifecycle.Next(_status, SandboxEvent.StopRequested);
                }

                SaveLocked();
                _stopping = Task.Run(EndAsync);
            }

            return _stopping;
        }
    }

    private async Task EndAsync()
    {
        await _machine.KillAsync();
        await DetachNetworkAsync();
        Task carried = Task.WhenAll(Relays().ConvertAll(static relay => relay.ContinueWith(static _ => { }, TaskScheduler.Default)));
        await Task.WhenAny(carried, Task.Delay(s_keeperPatience));
        Change(() =>
        {
            foreach (SandboxContainer container in _containers.Values)
            {
                container.Cause ??= container.IsLost || container.Status != ContainerStatus.Stopped ? _cause : null;
                container.Status = ContainerStatus.Stopped;
                container.Ooms.Close();
            }

            _status = SandboxLifecycle.Next(_status, SandboxEvent.MachineGone);
        });
        _ended.TrySetResult();
    }

    private async Task WatchMachineAsync()
    {
        string why;
        try
        {
            why = await _machine.WaitAsync(_lettingGo.Token);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        bool byItself;
        lock (_lock)
        {
            byItself = _stopping is null;
        }

        Task stopping = StopAsync(why);
        _verdict.TrySetResult(byItself);
        await stopping;
    }

    private async Task RestoreAsync(SandboxContainer container)
    {
        if (container.Init.Keeper is null)
        {
            await ForgetAsync(container);
            return;
        }

        foreach (SandboxProcess process in container.Processes)
        {
            if (process.Status != ProcessStatus.Finished && process.Keeper is not null)
            {
                StartRelay(container, process);
            }
        }
    }

    private void StartRelay(SandboxContainer container, SandboxProcess process)
    {
        lock (_lock)
        {
            process.Relay = Task.Run(() => RelayAsync(container, process));
        }
    }

    private async Task RelayAsync(SandboxContainer container, SandboxProcess process)
    {
        IGuestProcess guest = Guest.Process(container.Id, process.ExecId);
        try
        {
            await CarryAsync(container, process, guest);
        }
        catch (KeeperGoneException)
        {
            await KillOrphanAsync(container, process, guest);
        }
        catch (OperationCanceledException)
        {
            return;     // this supervisor lets go; the next one continues
        }

        Change(() =>
        {
            process.Happened(ProcessEvent.KeeperDone);
            if (!ReferenceEquals(process, container.Init))
            {
                container.Execs.Remove(process.ExecId);
            }
        });
        await AfterAsync(container, process, guest);
    }

    private async Task CarryAsync(SandboxContainer container, SandboxProcess process, IGuestProcess guest)
    {
        UnixSocket socket;
        try
        {
            socket = UnixSocket.Connect($"{_place.Directory}/{process.KeeperSocket}");
        }
        catch (SyscallException cause)
        {
            throw new KeeperGoneException(cause);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_lettingGo.Token);
        patience.CancelAfter(s_keeperPatience);
        await using KeeperLink link = await KeeperLink.OpenAsync(new DescriptorStream(socket, EventLoop.Shared), patience.Token);
        try
        {
            bool isExec = !ReferenceEquals(process, container.Init);
            await new ProcessRelay(guest, link, process.Terminal, isExec).RunAsync(code => OnExit(container, process, code), _lettingGo.Token);
        }
        catch (SandboxException)
        {
            // A machine that ends cuts its agent's connection first, but it is the machine's end that says why.
            await Task.WhenAny(_verdict.Task, Task.Delay(s_verdictPatience, CancellationToken.None));

            // The guest is gone, or does not know the process: the keeper must not wait for it.
            OnLoss(container, process);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(_lettingGo.Token);
            ending.CancelAfter(s_keeperPatience);
            await link.SendExitAsync(process.ExitCode ?? KilledExitCode, ending.Token);
        }
    }

    // A container's end is on record before anybody hears of it. An exec is on record until its keeper has the code, which the guest keeps
    // as long.
    private void OnExit(SandboxContainer container, SandboxProcess process, int code)
    {
        if (!ReferenceEquals(process, container.Init))
        {
            Note(() => process.Ended(code));
            return;
        }

        Change(() =>
        {
            process.Ended(code);
            container.Status = ContainerStatus.Stopped;
        });
    }

    // The end was not the container's own doing. Its cause is on record with it, or follows as soon as it is known.
    private void OnLoss(SandboxContainer container, SandboxProcess process)
    {
        if (ReferenceEquals(process, container.Init) && process.ExitCode is null)
        {
            Note(() =>
            {
                container.IsLost = true;
                container.Cause ??= _cause;
            });
        }

        OnExit(container, process, KilledExitCode);
    }

    private async Task KillOrphanAsync(SandboxContainer container, SandboxProcess process, IGuestProcess guest)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_lettingGo.Token);
        patience.CancelAfter(s_guestPatience);
        try
        {
            await guest.SignalAsync((int)Signal.SIGKILL, patience.Token);
            OnExit(container, process, await guest.WaitAsync(patience.Token));
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            OnLoss(container, process);
        }
    }

    private async Task AfterAsync(SandboxContainer container, SandboxProcess process, IGuestProcess guest)
    {
        if (ReferenceEquals(process, container.Init))
        {
            if (container.Ooms.IsWatched)
            {
                await CountOomsAsync(container);
            }

            container.Ooms.Close();
            StopIfIdle();
            return;
        }

        using var patience = new CancellationTokenSource(s_guestPatience);
        try
        {
            await guest.AcknowledgeExitAsync(patience.Token);
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // The guest forgets it with the container.
        }
    }

    // A sandbox of the command line holds one container and ends with it: a stopped container costs nothing. A pod's waits for more.
    private void StopIfIdle()
    {
        bool idle;
        lock (_lock)
        {
            idle = !_isPod && new List<SandboxContainer>(_containers.Values).TrueForAll(static container => container.Init.Status == ProcessStatus.Finished);
        }

        if (idle)
        {
            // The relay that calls this is one of those that the ending waits for: not awaited here.
            _ = StopAsync(cause: null);
        }
    }

    private List<SandboxContainer> Containers()
    {
        lock (_lock)
        {
            return [.. _containers.Values];
        }
    }
}
