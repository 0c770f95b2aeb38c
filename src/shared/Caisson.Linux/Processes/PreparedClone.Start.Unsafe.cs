namespace Caisson.Linux;

public sealed unsafe partial class PreparedClone
{
    // The stub pushes nothing in the child and all signals are blocked, so the stack is never used; the kernel wants one.
    private const int StackBytes = 4096;

    private bool _setsSignalMask;

    /// <summary>Starts the child and waits until its program is executed. Any number of threads may do so at the same time, with one object too.</summary>
    /// <param name="flags">Namespaces and other flags. The child shares memory until it executes, unless a new time namespace is asked for.</param>
    /// <param name="cgroup">The directory of a v2 cgroup that the child starts in, or null.</param>
    /// <exception cref="SyscallException">clone3(2) failed, or the named call failed in the child, which has then been reaped.</exception>
    public ClonedProcess Start(CloneFlags flags = CloneFlags.None, FileDescriptor? cgroup = null)
    {
        if (_calls.Count == 0 || _calls[^1].Number is not (Libc.SYS_execve or Libc.SYS_execveat))
        {
            throw new InvalidOperationException("a prepared clone ends in Execve or Execveat");
        }

        List<PreparedCall> calls = Arrange();
        using var memory = new CloneMemory(calls, StackBytes);
        ClonedProcess child = Clone(flags, cgroup, memory);
        GC.KeepAlive(this);
        for (int i = 0; i < calls.Count; i++)
        {
            long result = memory.ResultOf(i);
            if (result is < 0 and >= -4095 && !calls[i].MayFail)
            {
                Reap(child, flags);
                throw new SyscallException(calls[i].Name, (Errno)(-result));
            }
        }

        return child;
    }

    private ClonedProcess Clone(CloneFlags flags, FileDescriptor? cgroup, CloneMemory memory)
    {
        var pidFd = new PidFd();
        int pidFdNumber = -1;
        var arguments = new Libc.CloneArgs
        {
            Flags = (ulong)(flags | CloneFlags.PidFd | CloneFlags.Vfork | CloneFlags.ClearSigHand),
            PidFd = (ulong)&pidFdNumber,
            ExitSignal = flags.HasFlag(CloneFlags.Parent) ? 0UL : Libc.SIGCHLD,
        };
        ManagedClone.SetCgroup(cgroup, ref arguments);

        // A new time namespace needs a memory of its own: its vvar page is mapped in there.
        if (!flags.HasFlag(CloneFlags.NewTime))
        {
            arguments.Flags |= (ulong)CloneFlags.Vm;
            arguments.Stack = (ulong)memory.Stack;
            arguments.StackSize = StackBytes;
        }

        long pid = CloneStub.Run(&arguments, memory.Calls, restoreMaskInChild: _setsSignalMask ? null : memory.MaskToRestore);
        GC.KeepAlive(cgroup);
        if (pid < 0)
        {
            throw new SyscallException($"clone3({flags})", (Errno)(-pid));
        }

        pidFd.Adopt(pidFdNumber);
        return new ClonedProcess((int)pid, pidFd);
    }

    // With CLONE_PARENT the child is our sibling, and our parent reaps it.
    private static void Reap(ClonedProcess child, CloneFlags flags)
    {
        using (child)
        {
            if (!flags.HasFlag(CloneFlags.Parent))
            {
                child.PidFd.Wait();
            }
        }
    }

    // Where a target number is also the number of a descriptor in use, all descriptors in use are first copied out of the way.
    private List<PreparedCall> Arrange()
    {
        var calls = new List<PreparedCall>(_calls.Count + 4);
        if (!_setsSignalMask)
        {
            // Filled with the starting thread's own mask at the last moment.
            calls.Add(new PreparedCall("rt_sigprocmask", Libc.SYS_rt_sigprocmask, [Libc.SIG_SETMASK, PreparedArgument.Of(new byte[8]), 0, Libc.KernelSignalSetBytes]));
        }

        bool overlap = false;
        int highest = 2;
        foreach (int target in _targets)
        {
            highest = Math.Max(highest, target);
        }

        foreach (PreparedCall call in _calls)
        {
            foreach (PreparedArgument argument in call.Arguments)
            {
                overlap |= argument.Descriptor is { } used && _targets.Contains(used.Number);
            }
        }

        calls.AddRange(overlap ? MoveDescriptors(highest + 1, calls) : _calls);
        return calls;
    }

    private List<PreparedCall> MoveDescriptors(int from, List<PreparedCall> before)
    {
        var moved = new List<PreparedCall>(_calls.Count);
        foreach (PreparedCall call in _calls)
        {
            foreach (PreparedArgument argument in call.Arguments)
            {
                if (argument.Descriptor is not null)
                {
                    before.Add(new PreparedCall($"fcntl(F_DUPFD, {from})", Libc.SYS_fcntl, [argument, CloneMemory.DuplicateFrom, from])
                    {
                        MovesFor = call,
                    });
                }
            }

            moved.Add(call);
        }

        return moved;
    }
}
