using System.Diagnostics.CodeAnalysis;
using Caisson.Containers;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>
/// Sees that a process waits for the next exec. It is made when the machine has nothing better to do: what it costs would otherwise be
/// added to what somebody waits for.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as PID 1.")]
internal sealed class InitSupply
{
    // A container that does little ends within this time, and its machine with it: nothing is prepared for those.
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(400);

    private readonly OrphanReaper _reaper;
    private readonly Func<InitVerb> _verb;
    private readonly Timer _timer;

    internal InitSupply(OrphanReaper reaper, Func<InitVerb> verb)
    {
        _reaper = reaper;
        _verb = verb;
        _timer = new Timer(_ => Prepare());
    }

    /// <summary>A process was started, and may be working.</summary>
    internal void Later() => _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);

    /// <summary>A process has ended, and the host has all of it.</summary>
    internal void Now() => _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

    private void Prepare()
    {
        try
        {
            using OrphanReaper.Launch launch = _reaper.BeginLaunch();
            _verb().Template?.Prepare();
        }
        catch (SyscallException failed)
        {
            ConsoleLog.Write($"no process waits for the next exec: {failed.Message}");
        }
    }
}
