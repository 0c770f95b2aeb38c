namespace Caisson.Linux;

/// <summary>waitid(2) for single children. There is no central reaper: each process is waited for by who holds its pidfd.</summary>
public static unsafe class ProcessWait
{
    /// <summary>Waits until the child has ended, and reaps it.</summary>
    /// <param name="pid">A child of this process.</param>
    public static ExitStatus Wait(int pid)
    {
        ExitStatus? status = Wait(Libc.P_PID, (uint)pid, Libc.WEXITED | Libc.WALL, $"waitid(pid {pid})", out _);
        return status!.Value;
    }

    /// <summary>Reaps the child when it has ended; otherwise returns false at once.</summary>
    /// <param name="pid">A child of this process.</param>
    /// <param name="status">How it ended.</param>
    public static bool TryWait(int pid, out ExitStatus status)
    {
        ExitStatus? found = Wait(Libc.P_PID, (uint)pid, Libc.WEXITED | Libc.WALL | Libc.WNOHANG, $"waitid(pid {pid})", out _);
        status = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Reaps any one child that has ended: what a subreaper or a pid 1 does with processes it never started.</summary>
    /// <param name="pid">The reaped child's pid.</param>
    /// <param name="status">How it ended.</param>
    /// <returns>False when no child has ended, or there is none.</returns>
    public static bool TryWaitAny(out int pid, out ExitStatus status)
    {
        const int AnyChild = 0;
        pid = 0;
        status = default;
        Libc.ChildInfo info = default;
        // SAFETY: the kernel fills one siginfo_t, which this local is.
        if (Restart(AnyChild, 0, &info, Libc.WEXITED | Libc.WALL | Libc.WNOHANG) < 0)
        {
            Errno why = Libc.LastError;
            return why == Errno.ECHILD ? false : throw new SyscallException("waitid(any child)", why);
        }

        pid = info.Pid;
        status = ExitStatus.FromChildInfo(info);
        return pid != 0;
    }

    /// <summary>Looks for a child that has ended, without reaping it, so that its owner still can.</summary>
    /// <param name="pid">The pid of a child that has ended.</param>
    /// <param name="wait">Waits until one has; false is answered then only when there is no child at all.</param>
    public static bool TryPeekAny(out int pid, bool wait = false)
    {
        const int AnyChild = 0;
        Libc.ChildInfo info = default;
        // SAFETY: the kernel fills one siginfo_t, which this local is.
        int result = Restart(AnyChild, 0, &info, Libc.WEXITED | Libc.WALL | Libc.WNOWAIT | (wait ? 0 : Libc.WNOHANG));
        pid = result < 0 ? 0 : info.Pid;
        return pid != 0;
    }

    internal static ExitStatus? Wait(int kind, uint id, int options, string call, out int pid)
    {
        Libc.ChildInfo info = default;
        // SAFETY: the kernel fills one siginfo_t, which this local is.
        Libc.Check(Restart(kind, id, &info, options), call);
        pid = info.Pid;
        return info.Pid == 0 ? null : ExitStatus.FromChildInfo(info);
    }

    private static int Restart(int kind, uint id, Libc.ChildInfo* info, int options)
    {
        int result;
        do
        {
            result = Libc.waitid(kind, id, info, options);
        }
        while (result < 0 && Libc.LastError == Errno.EINTR);
        return result;
    }
}
