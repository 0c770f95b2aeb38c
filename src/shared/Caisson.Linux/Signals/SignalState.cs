using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>A set of signals: bit n-1 is signal n.</summary>
/// <param name="Bits">The kernel's form.</param>
public readonly record struct SignalSet(ulong Bits)
{
    /// <summary>No signal.</summary>
    public static SignalSet Empty => default;

    /// <summary>Every signal; the kernel leaves SIGKILL and SIGSTOP out.</summary>
    public static SignalSet All => new(ulong.MaxValue);

    /// <summary>A set of some.</summary>
    public static SignalSet Of(params ReadOnlySpan<Signal> signals)
    {
        ulong bits = 0;
        foreach (Signal signal in signals)
        {
            bits |= 1UL << ((int)signal - 1);
        }

        return new SignalSet(bits);
    }

    /// <summary>Whether one is in the set.</summary>
    public bool Contains(Signal signal) => (Bits & (1UL << ((int)signal - 1))) != 0;
}

/// <summary>struct kernel_sigaction of x86-64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelSignalAction
{
    internal ulong Handler;
    internal ulong Flags;
    internal ulong Restorer;
    internal ulong Mask;
}

/// <summary>Dispositions of the process, and the calling thread's mask; by the kernel's calls, because the C library hides two signals of its own.</summary>
public static class SignalState
{
    private const int SIG_SETMASK = 2;
    private const nuint SetSize = 8;

    /// <summary>
    /// Gives every signal its default action and empties the mask: the last thing before execve. A .NET process ignores SIGPIPE and its
    /// callers may have left more, and ignored signals survive execve. The runtime does not survive this call for long: its own handlers are gone.
    /// </summary>
    public static void ResetForExec()
    {
        BlockAll();    // between losing a handler and execve nothing may arrive
        ResetDispositions();
        SetMask(SignalSet.Empty);
    }

    /// <summary>Gives every signal its default action.</summary>
    public static void ResetDispositions()
    {
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((Signal)signal is not (Signal.SIGKILL or Signal.SIGSTOP))
            {
                ResetDisposition((Signal)signal);
            }
        }
    }

    /// <summary>Gives one signal its default action.</summary>
    public static void ResetDisposition(Signal signal)
    {
        KernelSignalAction byDefault = default;    // SIG_DFL is 0
        Libc.Check(Libc.rt_sigaction(13, (int)signal, in byDefault, 0, SetSize), $"rt_sigaction({(int)signal})");
    }

    /// <summary>Ignores a signal.</summary>
    public static void Ignore(Signal signal)
    {
        var ignore = new KernelSignalAction { Handler = 1 };    // SIG_IGN
        Libc.Check(Libc.rt_sigaction(13, (int)signal, in ignore, 0, SetSize), $"rt_sigaction({signal.Name()})");
    }

    /// <summary>Blocks every signal on the calling thread.</summary>
    /// <returns>The mask before, for <see cref="SetMask"/>.</returns>
    public static SignalSet BlockAll() => SetMask(SignalSet.All);

    /// <summary>Replaces the calling thread's mask.</summary>
    /// <returns>The mask before.</returns>
    public static SignalSet SetMask(SignalSet mask) => Change(SIG_SETMASK, mask);

    /// <summary>Adds to the calling thread's mask.</summary>
    /// <returns>The mask before.</returns>
    public static SignalSet Block(SignalSet signals)
    {
        const int SIG_BLOCK = 0;
        return Change(SIG_BLOCK, signals);
    }

    /// <summary>Takes from the calling thread's mask.</summary>
    /// <returns>The mask before.</returns>
    public static SignalSet Unblock(SignalSet signals)
    {
        const int SIG_UNBLOCK = 1;
        return Change(SIG_UNBLOCK, signals);
    }

    /// <summary>Sends a signal to a process (or with a negative pid to a group). A pidfd is safer: a pid may be somebody else's by now.</summary>
    public static bool TryKill(int pid, Signal signal, out Errno why)
    {
        int result = Libc.kill(pid, (int)signal);
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }

    /// <summary>Sends a signal to one thread.</summary>
    public static bool TryKillThread(int processId, int threadId, Signal signal, out Errno why)
    {
        long result = Libc.tgkill(234, processId, threadId, (int)signal);
        why = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }

    private static SignalSet Change(int how, SignalSet signals)
    {
        Libc.Check(Libc.rt_sigprocmask(14, how, signals.Bits, out ulong before, SetSize), "rt_sigprocmask");
        return new SignalSet(before);
    }
}
