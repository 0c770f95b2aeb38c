using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The wait of a foreground <c>run</c> or <c>exec</c>: signals that we get go to the workload, bytes go between our terminal and its
/// terminal, and the end of the workload ends it. One thread, one poll loop.
/// </summary>
public sealed class ForegroundSession : IDisposable
{
    private readonly SignalFd _signals;
    private TerminalRelay? _relay;

    /// <summary>Where the workload says that it is ready: passed on once.</summary>
    internal NotifySocket? Notify { get; init; }

    private ForegroundSession(SignalFd signals) => _signals = signals;

    /// <summary>
    /// The signals that are taken instead of acted upon. Left out: those that a fault raises (a blocked one kills), the runtime's own
    /// (RTMIN, by which it stops threads), and what cannot be blocked.
    /// </summary>
    public static SignalSet Taken { get; } = SignalSet.Of(
        Signal.SIGHUP, Signal.SIGINT, Signal.SIGQUIT, Signal.SIGTERM, Signal.SIGUSR1, Signal.SIGUSR2, Signal.SIGALRM, Signal.SIGCONT,
        Signal.SIGTSTP, Signal.SIGTTIN, Signal.SIGTTOU, Signal.SIGWINCH, Signal.SIGCHLD, Signal.SIGIO, Signal.SIGPWR,
        Signal.SIGVTALRM, Signal.SIGPROF, Signal.SIGXCPU, Signal.SIGXFSZ);

    /// <summary>
    /// Starts to take signals. The caller has blocked <see cref="Taken"/> before this process's threads began (that is: before the
    /// program was executed again): a thread of the runtime that has not blocked them would take them, and die.
    /// </summary>
    /// <param name="notify">Where the workload says that it is ready, or null.</param>
    public static ForegroundSession Begin(NotifySocket? notify = null)
    {
        SignalState.Block(Taken);
        return new ForegroundSession(SignalFd.Create(Taken)) { Notify = notify };
    }

    /// <summary>Puts our terminal into raw mode and connects it with the workload's.</summary>
    /// <param name="master">The master end of the workload's terminal; taken over.</param>
    public void Attach(PtyMaster master) => _relay = TerminalRelay.Begin(master);

    /// <summary>Waits for the end of a child.</summary>
    /// <param name="process">The child.</param>
    /// <param name="reap">Reaps it.</param>
    /// <param name="pid">Its pid, where this process is a subreaper: other children that end are then orphans of the workload, and reaped.</param>
    /// <returns>Its exit code, or 128 plus its signal.</returns>
    public int WaitFor(PidFd process, Func<ExitStatus> reap, int pid = 0)
    {
        Span<PollTarget> targets =
        [
            new PollTarget(process, PollEvents.In),
            new PollTarget(_signals, PollEvents.In),
            default,
            default,
            new PollTarget(Notify?.Descriptor, PollEvents.In),
        ];
        while (true)
        {
            _relay?.Fill(targets[2..4]);
            Poller.Wait(targets, Timeout.InfiniteTimeSpan);
            if (targets[1].Returned != PollEvents.None)
            {
                PassSignals(process, pid);
            }

            _relay?.Carry(targets[2..4]);
            if (targets[4].Returned != PollEvents.None && Notify!.TryPass(Environment.ProcessId))
            {
                targets[4].Descriptor = null;
            }

            if (targets[0].Returned != PollEvents.None)
            {
                ExitStatus status = reap();
                // What the workload printed last is still in its terminal.
                _relay?.Drain();
                return status.Code;
            }
        }
    }

    /// <summary>Gives the terminal back as it was.</summary>
    public void Dispose()
    {
        _relay?.Dispose();
        _signals.Dispose();
    }

    private static void ReapOrphans(int pid)
    {
        while (pid != 0 && ProcessWait.TryPeekAny(out int ended) && ended != pid)
        {
            ProcessWait.Wait(ended);
        }
    }

    private void PassSignals(PidFd process, int pid)
    {
        while (_signals.TryTake(out ReceivedSignal received))
        {
            switch (received.Signal)
            {
                // Ours. The end of the child itself is seen by its pidfd.
                case Signal.SIGCHLD:
                    ReapOrphans(pid);
                    break;
                case Signal.SIGWINCH when _relay is not null:
                    _relay.CopySize();
                    break;
                default:
                    process.TrySendSignal((int)received.Signal, out _);
                    break;
            }
        }
    }
}
