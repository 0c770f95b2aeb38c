namespace Caisson.Linux;

/// <summary>
/// Clones this process and goes on in managed code in the child, as C programs do.
/// Only for processes in which one thread ever runs managed code (no Task, ThreadPool, Timer, Console or Process class):
/// a second one may hold the collector or a lock at the moment of the clone, and the child then hangs for ever. Others use <see cref="PreparedClone"/>.
/// </summary>
public static unsafe class ManagedClone
{
    /// <summary>The exit code of a child whose delegate let an exception escape.</summary>
    public const int EscapedExceptionExitCode = 255;

    /// <summary>Clones; the child runs <paramref name="child"/> and ends with its result. The child never returns from this method.</summary>
    /// <param name="request">Flags and cgroup.</param>
    /// <param name="child">What the child does. It reports its own errors: an exception that leaves it ends the child silently.</param>
    /// <exception cref="SyscallException">clone3(2) failed.</exception>
    public static ClonedProcess Run(CloneRequest request, Func<int> child)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(child);
        if ((request.Flags & (CloneFlags.Vm | CloneFlags.Vfork)) != 0)
        {
            throw new ArgumentException("managed code cannot go on in a child that shares memory with its parent", nameof(request));
        }

        var pidFd = new PidFd();
        int pidFdNumber = -1;
        var arguments = new Libc.CloneArgs
        {
            Flags = (ulong)(request.Flags | CloneFlags.PidFd),
            PidFd = (ulong)&pidFdNumber,
            ExitSignal = (ulong)request.ExitSignal,
        };
        SetCgroup(request.Cgroup, ref arguments);
        RefreshThreadId(ref arguments);
        long pid = Clone(&arguments, child);
        GC.KeepAlive(request.Cgroup);
        if (pid < 0)
        {
            throw new SyscallException($"clone3({request.Flags})", Libc.LastError);
        }

        pidFd.Adopt(pidFdNumber);
        return new ClonedProcess((int)pid, pidFd);
    }

    // Signals stay blocked while the child still has the parent's handlers and threads in mind; a pending signal is not inherited.
    private static long Clone(Libc.CloneArgs* arguments, Func<int> child)
    {
        ulong all = ~0UL;
        ulong before = 0;
        // SAFETY: both masks are locals of this frame, and 8 bytes is the kernel's sigset_t on x86-64.
        Libc.syscall_here(Libc.SYS_rt_sigprocmask, Libc.SIG_BLOCK, (long)&all, (long)&before, Libc.KernelSignalSetBytes);
        // SAFETY: the arguments are on the caller's stack, which the child gets a copy of.
        long pid = Libc.syscall_here(Libc.SYS_clone3, (long)arguments, sizeof(Libc.CloneArgs));
        if (pid == 0)
        {
            RunChild(child, before);
        }

        Errno why = Libc.LastError;
        Libc.syscall_here(Libc.SYS_rt_sigprocmask, Libc.SIG_SETMASK, (long)&before, 0, Libc.KernelSignalSetBytes);
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError((int)why);
        return pid;
    }

    // The stack below is the parent's story: whatever happens here, the child must not go back to it.
    private static void RunChild(Func<int> child, ulong signalMask)
    {
        int code = EscapedExceptionExitCode;
        try
        {
            // SAFETY: the mask is this frame's own parameter.
            Libc.syscall_here(Libc.SYS_rt_sigprocmask, Libc.SIG_SETMASK, (long)&signalMask, 0, Libc.KernelSignalSetBytes);
            Interruption.ForgetInChild();
            code = child();
        }
#pragma warning disable CA1031 // The delegate reports its errors; here only the exit is left to do.
        catch (Exception)
#pragma warning restore CA1031
        {
            code = EscapedExceptionExitCode;
        }
        finally
        {
            Libc.exit_now(code);
        }
    }

    internal static void SetCgroup(FileDescriptor? cgroup, ref Libc.CloneArgs arguments)
    {
        if (cgroup is not null)
        {
            arguments.Flags |= (ulong)CloneFlags.IntoCgroup;
            arguments.Cgroup = (ulong)cgroup.Number;
        }
    }

    // A raw clone leaves the tid that glibc caches in its thread descriptor stale; fork(3) has the kernel rewrite it in the
    // child, and so do we. A kernel without CONFIG_CHECKPOINT_RESTORE cannot tell the address, and the stale tid is then only cosmetic.
    private static void RefreshThreadId(ref Libc.CloneArgs arguments)
    {
        ulong address = 0;
        // SAFETY: the kernel writes one pointer into this local.
        if (Libc.syscall_here(Libc.SYS_prctl, Libc.PR_GET_TID_ADDRESS, (long)&address) == 0 && address != 0)
        {
            arguments.Flags |= (ulong)(CloneFlags.ChildSetTid | CloneFlags.ChildClearTid);
            arguments.ChildTid = address;
        }
    }
}
