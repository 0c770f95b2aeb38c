using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A container in a machine, watched by its keeper's pidfd and by a call that its supervisor answers when memory ran out.</summary>
internal sealed class VmWatch : IContainerWatch
{
    private readonly PidFd _keeper;
    private readonly ControlClient _client;
    private readonly string _containerId;
    private ulong _known;
    private bool _isAsking;

    internal VmWatch(PidFd keeper, ControlClient client, string containerId)
    {
        _keeper = keeper;
        _client = client;
        _containerId = containerId;
        try
        {
            _known = client.CountOoms(containerId);
            Ask();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public WaitOutcome Wait(TimeSpan atMost)
    {
        long began = Stopwatch.GetTimestamp();
        bool forEver = atMost == Timeout.InfiniteTimeSpan;
        while (true)
        {
            TimeSpan left = forEver ? atMost : atMost - Stopwatch.GetElapsedTime(began);
            Span<PollTarget> targets = [new PollTarget(_isAsking ? _client.Descriptor : null, PollEvents.In), new PollTarget(_keeper, PollEvents.In)];
            if ((left <= TimeSpan.Zero && !forEver) || Poller.Wait(targets, left) == 0)
            {
                return WaitOutcome.TimeOver;
            }

            // The supervisor answers at the container's end too, and the keeper may be gone a moment earlier: the event comes first.
            if (_isAsking && TakeAnswer())
            {
                return WaitOutcome.OutOfMemory;
            }

            if (targets[1].Returned != PollEvents.None)
            {
                return WaitOutcome.Stopped;
            }
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _keeper.Dispose();
    }

    private bool TakeAnswer()
    {
        _isAsking = false;
        ulong kills;
        try
        {
            kills = _client.EndNextOom();
        }
        catch (SandboxException)
        {
            return false;       // the sandbox has ended, or will: the keeper says when
        }

        if (kills <= _known)
        {
            return false;       // the end
        }

        _known = kills;
        Ask();
        return true;
    }

    private void Ask()
    {
        try
        {
            _client.BeginNextOom(_containerId, _known);
            _isAsking = true;
        }
        catch (SupervisorGoneException)
        {
            // The keeper goes on; a supervisor that was replaced is asked by the next command.
        }
    }
}
