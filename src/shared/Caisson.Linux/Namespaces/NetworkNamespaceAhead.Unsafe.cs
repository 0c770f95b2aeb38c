namespace Caisson.Linux;

/// <summary>
/// A new network namespace in the making, on another CPU: that takes the kernel as long as all other namespaces of a container together, and the
/// caller has other things to do before it needs it. A child that shares memory and descriptors makes it, opens it and ends by itself,
/// whatever becomes of the caller; no thread of the caller is ever in the new namespace.
/// </summary>
public sealed unsafe class NetworkNamespaceAhead : IDisposable
{
    // As for every child of the stub: the stack is never used.
    private const int StackBytes = 4096;

    private const int UnshareCall = 0;
    private const int OpenCall = 1;

    private readonly CloneMemory _memory;
    private readonly ClonedProcess _maker;
    private NamespaceFd? _made;
    private bool _isOver;
    private bool _isDisposed;

    private NetworkNamespaceAhead(CloneMemory memory, ClonedProcess maker)
    {
        _memory = memory;
        _maker = maker;
    }

    /// <summary>Begins. Needs CAP_SYS_ADMIN; the namespace belongs to the caller's user namespace.</summary>
    /// <returns>Null where no child can be made: whoever wants the namespace then makes it as usual, and gets the error.</returns>
    public static NetworkNamespaceAhead? TryBegin()
    {
        var memory = new CloneMemory(
            [
                new PreparedCall("unshare(CLONE_NEWNET)", Libc.SYS_unshare, [(long)CloneFlags.NewNet]),
                new PreparedCall("open(/proc/self/ns/net)", Libc.SYS_openat, [Libc.AT_FDCWD, PreparedArgument.Of("/proc/self/ns/net"), (long)(OpenFlags.O_RDONLY | OpenFlags.O_CLOEXEC)]),
                new PreparedCall("exit_group", Libc.SYS_exit_group, [0]),
            ],
            StackBytes);
        var pidFd = new PidFd();
        int pidFdNumber = -1;
        var arguments = new Libc.CloneArgs
        {
            // No signal at its end: nobody else waits for it.
            Flags = (ulong)(CloneFlags.Vm | CloneFlags.Files | CloneFlags.PidFd | CloneFlags.ClearSigHand),
            PidFd = (ulong)&pidFdNumber,
            Stack = (ulong)memory.Stack,
            StackSize = StackBytes,
        };
        long pid = CloneStub.Run(&arguments, memory.Calls, restoreMaskInChild: null);
        if (pid < 0)
        {
            memory.Dispose();
            return null;
        }

        pidFd.Adopt(pidFdNumber);
        return new NetworkNamespaceAhead(memory, new ClonedProcess((int)pid, pidFd));
    }

    /// <summary>Waits until it is made.</summary>
    /// <returns>The namespace, which stays this object's; null where it could not be made.</returns>
    public NamespaceFd? Finish()
    {
        if (!_isOver)
        {
            AwaitMaker();
            _isOver = true;
            if (_memory.ResultOf(UnshareCall) == 0 && _memory.HasRun(OpenCall) && _memory.ResultOf(OpenCall) >= 0)
            {
                _made = NamespaceFd.FromNumber((int)_memory.ResultOf(OpenCall));
            }
        }

        return _made;
    }

    private void AwaitMaker()
    {
        try
        {
            _ = _maker.PidFd.Wait();
        }
        catch (SyscallException gone) when (gone.Errno == Errno.ECHILD)
        {
            // A subreaper that takes every child for an orphan has been quicker. It ended before that.
        }
    }

    /// <summary>Waits for its end, and lets go of the namespace. Again: does nothing.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        Finish()?.Dispose();
        _maker.Dispose();
        _memory.Dispose();
    }
}
