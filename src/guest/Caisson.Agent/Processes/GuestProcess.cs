using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>
/// A container's first process or an exec, from its start until its exit code was taken. Streams and exit code outlive the process.
/// </summary>
internal sealed class GuestProcess : IAsyncDisposable
{
    private readonly ProcessStreams _streams;
    private readonly OrphanReaper _reaper;
    private readonly PidFd _pidFd;
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _abandoned = new();
    private readonly TaskCompletionSource<int> _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _pumps;

    /// <summary>Takes over a process that was started with these streams.</summary>
    /// <param name="execId">Empty for a container's first process.</param>
    /// <param name="pid">Its pid; <paramref name="reaper"/> knows it already.</param>
    /// <param name="pidFd">Owned from now on.</param>
    /// <param name="streams">Connected; owned from now on.</param>
    /// <param name="reaper">Is told when the process has been reaped.</param>
    internal GuestProcess(string execId, int pid, PidFd pidFd, ProcessStreams streams, OrphanReaper reaper)
    {
        ExecId = execId;
        Pid = pid;
        _pidFd = pidFd;
        _streams = streams;
        _reaper = reaper;
        Stdin = new InputFeed(streams.Input, streams.IsTerminal);
        _pumps = Task.WhenAll(Pump(streams.Output, Stdout), Pump(streams.Error, Stderr));
        _ = WatchAsync();
    }

    internal string ExecId { get; }

    internal int Pid { get; }

    internal bool IsTerminal => _streams.IsTerminal;

    internal InputFeed Stdin { get; }

    internal OutputBuffer Stdout { get; } = new();

    internal OutputBuffer Stderr { get; } = new();

    /// <summary>The exit code, or 128 plus the signal.</summary>
    internal Task<int> Exit => _exit.Task;

    internal bool HasExited => _exit.Task.IsCompleted;

    /// <summary>
    /// Whether it has not been reaped: its pid is its own. The descriptor says so, which nobody closes before the process has ended.
    /// </summary>
    internal bool IsAlive => !HasExited && _pidFd.TrySendSignal(0, out _);

    /// <summary>Sends a signal; a process that has ended is left alone.</summary>
    internal void Signal(int signal)
    {
        if (!HasExited && !_pidFd.TrySendSignal(signal, out Errno why) && why != Errno.ESRCH)
        {
            throw new SyscallException($"pidfd_send_signal({signal})", why);
        }
    }

    internal void Resize(WindowSize size)
    {
        if (!IsTerminal)
        {
            throw Refusal.State("the process has no terminal");
        }

        Terminal.SetSize(_streams.Output, size);
    }

    /// <summary>Forgets streams and exit code of a process that has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _exit.Task;
        await _abandoned.CancelAsync();
        Stdin.Dispose();
        await _pumps;
        Stdout.Release();
        Stderr.Release();
        _streams.Dispose();
        _pidFd.Dispose();
        _ended.Dispose();
        _abandoned.Dispose();
    }

    private Task Pump(FileDescriptor? source, OutputBuffer buffer)
    {
        if (source is not null)
        {
            return OutputPump.RunAsync(source, buffer, _ended.Token, _abandoned.Token);
        }

        buffer.Finish();
        return Task.CompletedTask;
    }

    private async Task WatchAsync()
    {
        try
        {
            ExitStatus status = await _pidFd.WaitAsync(EventLoop.Shared, CancellationToken.None);
            _reaper.Forget(Pid);
            await _ended.CancelAsync();
            _exit.SetResult(status.Code);
        }
        catch (Exception lost) when (lost is SyscallException or ObjectDisposedException)
        {
            // Somebody else reaped it: no code can be told any more, and nobody may wait for ever.
            ConsoleLog.Write($"process {Pid}: {lost.Message}");
            _reaper.Forget(Pid);
            await _ended.CancelAsync();
            _exit.TrySetResult(UnknownExit);
        }
    }

    // What engines show for a process whose end nobody saw: killed.
    private const int UnknownExit = 137;
}
