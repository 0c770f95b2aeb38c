using System.Diagnostics;
using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>A hook that runs: its pipes, and what it has printed so far.</summary>
internal sealed class HookProcess : IDisposable
{
    // Enough to see what went wrong; a hook that prints more keeps running, and the end is kept.
    private const int TailBytes = 4096;
    private readonly ClonedProcess _process;
    private readonly FileFd _input;
    private readonly OutputTail _output;
    private readonly OutputTail _error;
    private bool _inputOpen = true;

    private HookProcess(ClonedProcess process, FileFd input, FileFd output, FileFd error)
    {
        _process = process;
        _input = input;
        _output = new OutputTail(output, TailBytes);
        _error = new OutputTail(error, TailBytes);
    }

    internal string Printed => $", stdout: {_output.Text}, stderr: {_error.Text}";

    internal static HookProcess Start(OciHook hook)
    {
        using PipePair input = PipePair.Create();
        using PipePair output = PipePair.Create();
        using PipePair error = PipePair.Create();
        IReadOnlyList<string> arguments = hook.Args.Count > 0 ? hook.Args : [hook.Path];
        ClonedProcess process = new PreparedClone()
            .ResetSignals()
            .SetSignalMask(0)
            .DuplicateTo(input.Read, 0)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(error.Write, 2)
            .CloseRangeFrom(3)
            .Execve(hook.Path, arguments, hook.Env)
            .Start();
        return new HookProcess(process, OwnEnd(input.Write), OwnEnd(output.Read), OwnEnd(error.Read));
    }

    /// <summary>Feeds the state, collects the output and reaps the process; kills it with its children when the time is over.</summary>
    internal bool TryFinish(ReadOnlySpan<byte> state, TimeSpan timeout, out ExitStatus status)
    {
        long start = Stopwatch.GetTimestamp();
        while (!_process.PidFd.TryWait(out status))
        {
            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - Stopwatch.GetElapsedTime(start);
            if (timeout != Timeout.InfiniteTimeSpan && left <= TimeSpan.Zero)
            {
                ProcessTree.Kill(_process.Pid, _process.PidFd);
                status = _process.PidFd.Wait();
                return false;
            }

            try
            {
                state = Pump(state, left);
            }
            catch (InterruptedException)
            {
                ProcessTree.Kill(_process.Pid, _process.PidFd);
                _ = _process.PidFd.Wait();
                throw;
            }
        }

        _output.Drain();
        _error.Drain();
        return true;
    }

    // The pidfd is among the targets: a hook that leaves a daemon behind with our pipes does not hold us up.
    private ReadOnlySpan<byte> Pump(ReadOnlySpan<byte> state, TimeSpan left)
    {
        Span<PollTarget> targets =
        [
            new PollTarget(_process.PidFd, PollEvents.In),
            new PollTarget(_inputOpen ? _input : null, PollEvents.Out),
            new PollTarget(_output.IsOpen ? _output.Pipe : null, PollEvents.In),
            new PollTarget(_error.IsOpen ? _error.Pipe : null, PollEvents.In),
        ];
        Poller.Wait(targets, left);
        if (targets[1].Returned != PollEvents.None)
        {
            state = Feed(state);
        }

        if (targets[2].Returned != PollEvents.None)
        {
            _output.Drain();
        }

        if (targets[3].Returned != PollEvents.None)
        {
            _error.Drain();
        }

        return state;
    }

    // A hook that does not read its input (EPIPE) is within its rights.
    private ReadOnlySpan<byte> Feed(ReadOnlySpan<byte> state)
    {
        bool written = _input.TryWrite(state, out int count, out Errno why);
        state = written ? state[count..] : why == Errno.EAGAIN ? state : default;

        if (state.IsEmpty)
        {
            _input.Dispose();
            _inputOpen = false;
        }

        return state;
    }

    private static FileFd OwnEnd(FileFd end)
    {
        FileFd own = FileFd.FromNumber(end.Release());
        own.SetNonBlocking(true);
        return own;
    }

    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _error.Dispose();
        _process.Dispose();
    }
}

/// <summary>The last bytes that came through a pipe.</summary>
internal sealed class OutputTail(FileFd pipe, int limitBytes) : IDisposable
{
    private readonly List<byte> _kept = [];

    internal FileFd Pipe => pipe;

    internal bool IsOpen { get; private set; } = true;

    internal string Text => Encoding.UTF8.GetString([.. _kept]).TrimEnd();

    /// <summary>Takes what is there now.</summary>
    internal void Drain()
    {
        byte[] buffer = new byte[limitBytes];
        while (IsOpen && pipe.TryRead(buffer, out int count, out _))
        {
            IsOpen = count > 0;
            _kept.AddRange(buffer.AsSpan(0, count));
            if (_kept.Count > limitBytes)
            {
                _kept.RemoveRange(0, _kept.Count - limitBytes);
            }
        }
    }

    public void Dispose() => pipe.Dispose();
}
