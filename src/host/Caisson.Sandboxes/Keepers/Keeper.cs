using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// The host's stand-in for one process in a virtual machine: the pid that engines see. It alone holds the caller's standard streams;
/// it forwards signals and terminal sizes, and ends with the guest process's code. It lives in the container's namespaces and cgroup on
/// the host, holds no capability, and reaches nothing but its listening socket: a supervisor dials it, and after a supervisor's death the
/// next one dials again. One thread, one loop, nothing blocks.
/// </summary>
internal sealed class Keeper : IDisposable
{
    // The exit code when supervisor and guardian are both gone: as after SIGKILL.
    private const int LostExitCode = 137;

    private readonly UnixSocket _listener;
    private readonly FileDescriptor _lifeline;
    private readonly SignalFd _signals;
    private readonly bool _terminal;
    private readonly KeeperInput _input = new(FileFd.FromNumber(0));
    private readonly KeeperOutput _stdout = new(FileFd.FromNumber(1));
    private readonly KeeperOutput _stderr = new(FileFd.FromNumber(2));
    private readonly HashSet<Signal> _undelivered = [];
    private KeeperConnection? _supervisor;
    private int? _exitCode;

    /// <param name="listener">Where supervisors dial; bound by the command that made this keeper.</param>
    /// <param name="lifeline">The read end of a pipe whose write ends supervisor and guardian hold: its end means that nobody will dial again.</param>
    /// <param name="terminal">The standard streams are a terminal's slave: its size is reported.</param>
    internal Keeper(UnixSocket listener, FileDescriptor lifeline, bool terminal)
    {
        _listener = listener;
        _lifeline = lifeline;
        _terminal = terminal;
        // Blocked, a signal is queued even for the first process of a pid namespace, and signalfd hands it over.
        SignalState.BlockAll();
        _signals = SignalFd.Create(SignalSet.All);
    }

    /// <summary>Serves until the guest's process has ended and everything it said is written.</summary>
    /// <returns>The exit code for the keeper itself.</returns>
    internal int Run()
    {
        _listener.SetNonBlocking(true);
        Span<PollTarget> targets = new PollTarget[7];
        while (true)
        {
            Watch(targets);
            Poller.Wait(targets, Timeout.InfiniteTimeSpan);
            if (Has(targets[1], PollEvents.In | PollEvents.HangUp | PollEvents.Error))
            {
                return LostExitCode;
            }

            Serve(targets);
            if (_exitCode is { } code && _supervisor is not { WantsWrite: true })
            {
                return code;
            }
        }
    }

    public void Dispose()
    {
        _supervisor?.Dispose();
        _signals.Dispose();
        _lifeline.Dispose();
        _listener.Dispose();
    }

    private void Watch(Span<PollTarget> targets)
    {
        targets[0] = new PollTarget(_listener, PollEvents.In);
        targets[1] = new PollTarget(_lifeline, PollEvents.In);
        targets[2] = new PollTarget(_signals, PollEvents.In);
        PollEvents wanted = _supervisor is { WantsWrite: true } ? PollEvents.In | PollEvents.Out : PollEvents.In;
        targets[3] = new PollTarget(_supervisor?.Socket, wanted);
        targets[4] = new PollTarget(_supervisor is not null && _input.WantsRead ? _input.Source : null, PollEvents.In);
        targets[5] = new PollTarget(_stdout.IsPending ? _stdout.Target : null, PollEvents.Out);
        targets[6] = new PollTarget(_stderr.IsPending ? _stderr.Target : null, PollEvents.Out);
    }

    private void Serve(ReadOnlySpan<PollTarget> targets)
    {
        if (Has(targets[2]))
        {
            TakeSignals();
        }

        if (Has(targets[4]))
        {
            _input.ReadPiece();
            SendInput();
        }

        WriteIfReady(targets[5], _stdout, KeeperFrameType.StdoutWritten);
        WriteIfReady(targets[6], _stderr, KeeperFrameType.StderrWritten);
        ServeSupervisor(targets[3]);
        if (Has(targets[0]))
        {
            AcceptSupervisor();
        }
    }

    private void ServeSupervisor(PollTarget target)
    {
        if (_supervisor is null)
        {
            return;
        }

        bool alive;
        try
        {
            bool readable = Has(target, PollEvents.In | PollEvents.HangUp | PollEvents.Error);
            alive = (!readable || _supervisor.Receive(TakeFrame)) && _supervisor.Flush();
        }
        catch (InvalidDataException)
        {
            alive = false;      // a broken supervisor is dropped; the next one begins anew
        }

        if (!alive)
        {
            DropSupervisor();
        }
    }

    private void AcceptSupervisor()
    {
        if (!_listener.TryAccept(out UnixSocket? connection, out _))
        {
            return;
        }

        // The socket lies in a directory of mode 0700; this refuses a descriptor that leaked out of it.
        if (connection.Peer.Uid != 0 && connection.Peer.Uid != UserIds.EffectiveUser)
        {
            connection.Dispose();
            return;
        }

        DropSupervisor();
        _supervisor = new KeeperConnection(connection);
        Greet();
    }

    private void Greet()
    {
        Span<byte> progress = stackalloc byte[KeeperProgress.Length];
        new KeeperProgress(_stdout.Written, _stderr.Written, _input.Taken).Write(progress);
        _supervisor!.Send(KeeperFrameType.Progress, 0, progress);
        ReportWindowSize();
        foreach (Signal signal in _undelivered)
        {
            _supervisor.Send(KeeperFrameType.Signal, (ulong)signal);
        }

        _undelivered.Clear();
        SendInput();
    }

    private void DropSupervisor()
    {
        _supervisor?.Dispose();
        _supervisor = null;
        _stdout.Forget();
        _stderr.Forget();
    }

    private void TakeFrame(KeeperFrame frame, ReadOnlyMemory<byte> payload)
    {
        switch (frame.Type)
        {
            case KeeperFrameType.Stdout:
                _stdout.Take(frame.Value, payload);
                ReportIfWritten(_stdout, KeeperFrameType.StdoutWritten);
                break;
            case KeeperFrameType.Stderr:
                _stderr.Take(frame.Value, payload);
                ReportIfWritten(_stderr, KeeperFrameType.StderrWritten);
                break;
            case KeeperFrameType.StdinTaken:
                _input.Acknowledge(frame.Value);
                SendEndOfInput();
                break;
            case KeeperFrameType.Exit:
                _exitCode = (int)(frame.Value & 0xff);
                _supervisor!.Send(KeeperFrameType.ExitTaken, 0);
                break;
            default:
                throw new InvalidDataException($"keeper protocol: a supervisor does not send {frame.Type}");
        }
    }

    private void SendInput()
    {
        if (_supervisor is not null && _input.Held.Length > 0)
        {
            _supervisor.Send(KeeperFrameType.Stdin, _input.Taken, _input.Held);
        }

        SendEndOfInput();
    }

    private void SendEndOfInput()
    {
        if (_input.IsFinished)
        {
            _supervisor?.Send(KeeperFrameType.StdinClosed, _input.Taken);
        }
    }

    private void WriteIfReady(PollTarget target, KeeperOutput output, KeeperFrameType report)
    {
        if (Has(target) && output.IsPending)
        {
            output.WritePiece();
            ReportIfWritten(output, report);
        }
    }

    private void ReportIfWritten(KeeperOutput output, KeeperFrameType report)
    {
        if (!output.IsPending)
        {
            _supervisor?.Send(report, output.Written);
        }
    }

    private void TakeSignals()
    {
        while (_signals.TryTake(out ReceivedSignal received))
        {
            if (received.Signal == Signal.SIGWINCH)
            {
                ReportWindowSize();
            }
            else if (IsForwarded(received.Signal))
            {
                Forward(received.Signal);
            }
        }
    }

    private void Forward(Signal signal)
    {
        if (_supervisor is null)
        {
            _undelivered.Add(signal);
        }
        else
        {
            _supervisor.Send(KeeperFrameType.Signal, (ulong)signal);
        }
    }

    // The keeper's own children, pipes and job control say nothing to the workload.
    private static bool IsForwarded(Signal signal) =>
        signal is not (Signal.SIGCHLD or Signal.SIGPIPE or Signal.SIGTTIN or Signal.SIGTTOU or Signal.SIGTSTP or Signal.SIGCONT);

    private void ReportWindowSize()
    {
        if (_terminal && _supervisor is not null && !_input.IsClosed)
        {
            WindowSize size = Terminal.GetSize(_input.Source);
            _supervisor.Send(KeeperFrameType.WindowSize, ((ulong)size.Rows << 16) | size.Columns);
        }
    }

    private static bool Has(PollTarget target, PollEvents any = (PollEvents)(-1)) =>
        target.Descriptor is not null && (target.Returned & any) != 0;
}
