using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <content>What commands ask of a container that exists.</content>
internal sealed partial class Sandbox
{
    internal async Task StartAsync(string containerId, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        using IDisposable turn = await container.TakeTurnAsync(cancellationToken);
        Require(container, ContainerStatus.Created, "start", "cannot start a container that has stopped");
        if (!await TryStartAsync(containerId, cancellationToken))
        {
            return;
        }

        Change(() =>
        {
            // A workload that was quick may have ended already.
            if (container.Status == ContainerStatus.Created)
            {
                container.Status = ContainerStatus.Running;
            }

            if (container.Init.Status == ProcessStatus.Prepared)
            {
                container.Init.Happened(ProcessEvent.Started);
            }
        });
    }

    // A program may end its machine, by a panic for instance, before the agent's answer is here. Nobody can tell whether it ran, and the
    // container's end, 137 and the machine's cause, says what is known: false then. A machine that goes on, or that we ended, is an error.
    private async Task<bool> TryStartAsync(string containerId, CancellationToken cancellationToken)
    {
        try
        {
            await Guest.StartContainerAsync(containerId, cancellationToken);
            return true;
        }
        catch (GuestGoneException)
        {
            if (await Task.WhenAny(_verdict.Task, Task.Delay(s_verdictPatience, cancellationToken)) != _verdict.Task || !await _verdict.Task)
            {
                throw;
            }

            return false;
        }
    }

    internal async Task ExecAsync(
        string containerId, string execId, OciProcess process, ProcessIdentity keeper, string keeperSocket, bool ignorePaused, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        if (ignorePaused)
        {
            // What a host's kernel does by freezing the new process too: it begins when the container goes on.
            await UntilAsync(() => container.Status != ContainerStatus.Paused, cancellationToken);
        }

        var started = new SandboxProcess(execId, process.Terminal);
        started.KeptBy(keeper, keeperSocket);
        Change(() =>
        {
            if (container.Status is not (ContainerStatus.Running or ContainerStatus.Created))
            {
                throw new SandboxException($"cannot exec in a {container.Status.ToString().ToLowerInvariant()} container");
            }

            if (!container.Execs.TryAdd(execId, started))
            {
                throw new SandboxException($"exec {execId} exists already");
            }
        });
        try
        {
            await Guest.ExecAsync(containerId, execId, GuestSpec.ForGuest(process), cancellationToken);
        }
        catch
        {
            Change(() => container.Execs.Remove(execId));
            throw;
        }

        Note(() => started.Happened(ProcessEvent.Started));
        StartRelay(container, started);
    }

    /// <summary>Sends a signal. SIGKILL always succeeds: a guest that does not take it loses its machine.</summary>
    internal async Task SignalAsync(string containerId, string execId, int signal, bool all, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        if (container.Status is ContainerStatus.Stopped)
        {
            throw new SandboxException("container not running");
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_guestPatience);
        try
        {
            await Guest.SignalAsync(containerId, execId, signal, all, patience.Token);
        }
        catch (Exception cause) when (cause is GuestGoneException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            if (signal != (int)Signal.SIGKILL)
            {
                throw new GuestGoneException(
                    "signal", $"the agent did not answer within {s_guestPatience.TotalSeconds:0} s; SIGKILL ends the virtual machine", cause);
            }

            await StopAsync("the agent did not take SIGKILL; the virtual machine was ended");
        }
    }

    internal async Task PauseAsync(string containerId, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        using IDisposable turn = await container.TakeTurnAsync(cancellationToken);
        Require(container, ContainerStatus.Running, "pause", "container not running");
        await Guest.PauseAsync(containerId, cancellationToken);
        Change(() => container.Status = container.Status == ContainerStatus.Running ? ContainerStatus.Paused : container.Status);
    }

    internal async Task ResumeAsync(string containerId, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        using IDisposable turn = await container.TakeTurnAsync(cancellationToken);
        Require(container, ContainerStatus.Paused, "resume", "container not paused");
        await Guest.ResumeAsync(containerId, cancellationToken);
        Change(() => container.Status = container.Status == ContainerStatus.Paused ? ContainerStatus.Running : container.Status);
    }

    internal async Task UpdateAsync(string containerId, LinuxResources resources, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        using IDisposable turn = await container.TakeTurnAsync(cancellationToken);
        await Guest.UpdateAsync(containerId, GuestResources.From(resources), cancellationToken);
    }

    internal Task<byte[]> StatsAsync(string containerId, CancellationToken cancellationToken)
    {
        RequireAlive(Find(containerId));
        return Guest.StatsAsync(containerId, cancellationToken);
    }

    /// <summary>Waits until more were killed for lack of memory than are known, or none will be any more.</summary>
    internal async Task<ulong> NextOomAsync(string containerId, ulong? known, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        if (known is { } count)
        {
            return await container.Ooms.AfterAsync(count, cancellationToken);
        }

        await CountOomsAsync(container);
        return container.Ooms.Count;
    }

    internal Task<byte[]> ListProcessesAsync(
        string containerId, string format, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        RequireAlive(Find(containerId));
        return Guest.ListProcessesAsync(containerId, format, arguments, cancellationToken);
    }

    /// <summary>Removes a container; with the one that the sandbox was made for, the sandbox ends, and with it all who still run in it.</summary>
    internal async Task DeleteAsync(string containerId, bool force, CancellationToken cancellationToken)
    {
        SandboxContainer container = Find(containerId);
        if (!force && container.Status is not (ContainerStatus.Stopped or ContainerStatus.Created))
        {
            throw new SandboxException(
                $"cannot delete container {containerId} that is not stopped: {container.Status.ToString().ToLowerInvariant()}");
        }

        if (OwnsSandbox(container))
        {
            // Its own machine ends with it: quicker than asking the guest, and it cannot be refused.
            Change(() => container.Init.Ended(container.Init.ExitCode ?? KilledExitCode));
            await StopAsync(Count == 1 ? null : $"container {containerId}, which the sandbox was made for, was deleted");
            return;
        }

        if (!await TryEndAsync(container, cancellationToken))
        {
            // Nobody could end it any more once it is forgotten.
            await StopAsync($"container {containerId} was deleted, and the guest did not end it");
            return;
        }

        await ForgetAsync(container);
        container.Ooms.Close();
    }

    private bool OwnsSandbox(SandboxContainer container)
    {
        lock (_lock)
        {
            return container.Id == _owner || _containers.Count == 1;
        }
    }

    // Ends a container's processes in a guest that goes on. Their keepers have all that they said, unless somebody does not read it.
    private async Task<bool> TryEndAsync(SandboxContainer container, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_guestPatience);
        try
        {
            if (Runs(container))
            {
                await Guest.SignalAsync(container.Id, "", (int)Signal.SIGKILL, all: true, patience.Token);
                await UntilAsync(() => container.Init.Relay is null || !Runs(container), patience.Token);
            }
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _log.Error($"delete {container.Id}: {cause.Message}");
            if (Runs(container))
            {
                return false;
            }
        }

        await Task.WhenAny(Task.WhenAll(Relays(container)), Task.Delay(s_keeperPatience, cancellationToken));
        return true;
    }

    private bool Runs(SandboxContainer container)
    {
        lock (_lock)
        {
            return container.Init.Status is ProcessStatus.Prepared or ProcessStatus.Running;
        }
    }

    private void Require(SandboxContainer container, ContainerStatus wanted, string operation, string whenStopped)
    {
        lock (_lock)
        {
            if (container.Status != wanted)
            {
                throw new SandboxException(container.Status == ContainerStatus.Stopped
                    ? whenStopped
                    : $"cannot {operation} a container in the {container.Status.ToString().ToLowerInvariant()} state");
            }
        }
    }

    private void RequireAlive(SandboxContainer container)
    {
        lock (_lock)
        {
            if (container.Status == ContainerStatus.Stopped)
            {
                throw new SandboxException("container not running");
            }
        }
    }
}
