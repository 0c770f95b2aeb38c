namespace Caisson.Linux;

/// <summary>A pidfd: a process that cannot be mistaken for a later one with the same pid.</summary>
public sealed class PidFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public PidFd()
    {
    }

    /// <summary>Opens the process that has this pid now.</summary>
    /// <param name="pid">A pid in the caller's pid namespace.</param>
    public static PidFd Open(int pid) =>
        TryOpen(pid, out PidFd? opened, out Errno why) ? opened : throw new SyscallException($"pidfd_open({pid})", why);

    /// <summary>Opens the process that has this pid now; ESRCH when there is none.</summary>
    /// <param name="pid">A pid in the caller's pid namespace.</param>
    /// <param name="opened">The process.</param>
    /// <param name="why">The error.</param>
    public static bool TryOpen(int pid, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PidFd? opened, out Errno why)
    {
        var pidFd = new PidFd();
        int number = (int)Libc.syscall(Libc.SYS_pidfd_open, pid);
        why = number < 0 ? Libc.LastError : Errno.None;
        opened = null;
        if (number < 0)
        {
            return false;
        }

        pidFd.Adopt(number);
        opened = pidFd;
        return true;
    }

    /// <summary>Takes ownership of an inherited or received pidfd.</summary>
    /// <param name="number">A valid pidfd that nothing else owns.</param>
    public static PidFd FromNumber(int number)
    {
        var pidFd = new PidFd();
        pidFd.Adopt(number);
        return pidFd;
    }

    /// <summary>Whether the process has ended (zombies included).</summary>
    public bool HasEnded => Poller.IsReady(this, PollEvents.In);

    /// <summary>Sends a signal.</summary>
    /// <param name="signal">The signal's number; 0 only checks.</param>
    public void SendSignal(int signal)
    {
        if (!TrySendSignal(signal, out Errno why))
        {
            throw new SyscallException($"pidfd_send_signal({signal})", why);
        }
    }

    /// <inheritdoc cref="SendSignal(int)"/>
    public void SendSignal(Signal signal) => SendSignal((int)signal);

    /// <inheritdoc cref="TrySendSignal(int, out Errno)"/>
    public bool TrySendSignal(Signal signal, out Errno why) => TrySendSignal((int)signal, out why);

    /// <summary>Sends a signal; ESRCH when the process has ended and been reaped.</summary>
    /// <param name="signal">The signal's number; 0 only checks.</param>
    /// <param name="why">The error.</param>
    public bool TrySendSignal(int signal, out Errno why)
    {
        why = Libc.syscall(Libc.SYS_pidfd_send_signal, Number, signal) < 0 ? Libc.LastError : Errno.None;
        return why == Errno.None;
    }

    /// <summary>Waits until the process, a child of the caller, has ended, and reaps it.</summary>
    public ExitStatus Wait() =>
        ProcessWait.Wait(Libc.P_PIDFD, (uint)Number, Libc.WEXITED | Libc.WALL, "waitid(pidfd)", out _)!.Value;

    /// <summary>Reaps the process, a child of the caller, when it has ended; otherwise returns false at once.</summary>
    /// <param name="status">How it ended.</param>
    public bool TryWait(out ExitStatus status)
    {
        ExitStatus? found = ProcessWait.Wait(Libc.P_PIDFD, (uint)Number, Libc.WEXITED | Libc.WALL | Libc.WNOHANG, "waitid(pidfd)", out _);
        status = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Waits on the event loop until the process, a child of the caller, has ended, and reaps it.</summary>
    /// <param name="loop">The loop that watches the pidfd.</param>
    /// <param name="cancellationToken">Stops the waiting; the process is not touched.</param>
    public async ValueTask<ExitStatus> WaitAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ExitStatus status;
        while (!TryWait(out status))
        {
            await loop.Ready(this, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return status;
    }

    /// <summary>Copies a descriptor of the process (pidfd_getfd(2)).</summary>
    /// <param name="number">The descriptor's number in the other process.</param>
    public FileFd CopyDescriptor(int number)
    {
        var copy = new FileFd();
        copy.Adopt((int)Libc.Check(Libc.syscall(Libc.SYS_pidfd_getfd, Number, number), $"pidfd_getfd({number})"));
        return copy;
    }
}
