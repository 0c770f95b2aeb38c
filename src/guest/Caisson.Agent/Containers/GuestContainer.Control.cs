using System.Diagnostics;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol;

namespace Caisson.Agent;

internal sealed partial class GuestContainer
{
    /// <summary>Freezes all processes. Blocks until they have stopped.</summary>
    internal void Pause()
    {
        ContainerPhase before = Move(ContainerPhase.Paused);
        lock (_lock)
        {
            _resumesToCreated = before == ContainerPhase.Created;
        }

        try
        {
            Cgroup.Freeze();
        }
        catch
        {
            Cgroup.Thaw();
            Unpause();
            throw;
        }
    }

    /// <summary>Lets all processes go on.</summary>
    internal void Resume()
    {
        lock (_lock)
        {
            if (_phase != ContainerPhase.Paused)
            {
                throw Refusal.State("container not paused");
            }
        }

        Cgroup.Thaw();
        Unpause();
    }

    internal void Update(LinuxResources resources) => Cgroup.Apply(CgroupConversion.Limits(GuestHugePages.Possible(resources)));

    internal StatsContainerResponse Stats() => StatsConversion.From(Cgroup.Stats());

    internal IReadOnlyList<int> Pids() => Cgroup.Pids();

    /// <summary>Kills what runs, waits for its end, and forgets everything.</summary>
    /// <param name="timeout">For the end of the processes.</param>
    internal async Task RemoveAsync(TimeSpan timeout)
    {
        FaultPoint.Hit(Fault.InRemove);
        ContainerPhase before = Move(ContainerPhase.Removing);
        try
        {
            await Blocking.Run(() => Cgroup.KillAll(Linux.Signal.SIGKILL));
            await EndAllAsync(timeout);
            await Blocking.Run(Cgroup.Remove);
        }
        catch
        {
            // It can be asked again.
            lock (_lock)
            {
                _phase = before;
            }

            throw;
        }

        _oom!.Dispose();
        _launched!.Dispose();
    }

    internal ContainerRecord Describe()
    {
        ContainerPhase phase;
        lock (_lock)
        {
            phase = _phase;
        }

        var record = new ContainerRecord { Id = Id, State = phase.ToProtocol(_init?.HasExited == true) };
        if (_init is { } init)
        {
            record.Init = Describe(init);
            record.OomKills = Cgroup.CountOomKills();
        }

        foreach (GuestProcess? exec in _execs.Values)
        {
            if (exec is not null)
            {
                record.Execs.Add(Describe(exec));
            }
        }

        return record;
    }

    private async Task EndAllAsync(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            await Init.Exit.WaitAsync(timeout);
            foreach ((string execId, GuestProcess? exec) in _execs)
            {
                if (exec is not null)
                {
                    TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
                    await exec.Exit.WaitAsync(timeout == Timeout.InfiniteTimeSpan ? timeout : left > TimeSpan.Zero ? left : TimeSpan.Zero);
                    _execs.TryRemove(execId, out _);
                    await exec.DisposeAsync();
                }
            }
        }
        catch (TimeoutException)
        {
            throw new Ttrpc.TtrpcException(Ttrpc.TtrpcCode.DeadlineExceeded, $"processes of container {Id} did not end within {timeout.TotalSeconds} s after SIGKILL");
        }

        await Init.DisposeAsync();
    }

    private void Unpause()
    {
        lock (_lock)
        {
            _phase = _phase == ContainerPhase.Paused && !_resumesToCreated ? ContainerPhase.Running
                : _phase == ContainerPhase.Paused ? ContainerPhase.Created : _phase;
        }
    }

    private static ProcessRecord Describe(GuestProcess process) => new()
    {
        Id = process.ExecId,
        Running = !process.HasExited,
        ExitStatus = process.HasExited ? process.Exit.Result : 0,
        Pid = (uint)process.Pid,
        Terminal = process.IsTerminal,
        StdinReceived = process.Stdin.Received,
        StdoutAcknowledged = process.Stdout.Acknowledged,
        StderrAcknowledged = process.Stderr.Acknowledged,
        StdinClosed = process.Stdin.IsClosed,
    };
}
