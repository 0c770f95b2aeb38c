namespace Caisson.Linux;

/// <summary>
/// Lets a program of one thread that was told to end (Ctrl-C, SIGTERM) undo first: while one is armed, a wait in <see cref="Poller"/> on
/// that thread ends with <see cref="InterruptedException"/>, once. What undoes may wait again.
/// The signals must be blocked in every thread; they stay blocked, so that a second Ctrl-C does not stop the undoing.
/// </summary>
public sealed class Interruption : IDisposable
{
    [ThreadStatic]
    private static Interruption? t_armed;

    private readonly SignalFd _signals = SignalFd.Create(Signals);

    private Interruption()
    {
    }

    /// <summary>What ends a program that does nothing about it, and can be caught.</summary>
    public static SignalSet Signals { get; } = SignalSet.Of(Signal.SIGHUP, Signal.SIGINT, Signal.SIGQUIT, Signal.SIGTERM);

    internal static SignalFd? Descriptor => t_armed?._signals;

    /// <summary>Begins; one at a time on a thread.</summary>
    public static Interruption Arm() => t_armed = new Interruption();

    /// <summary>Waits for a descriptor that is read without <see cref="Poller"/>; not armed, it returns at once.</summary>
    /// <param name="descriptor">The descriptor, which then has something to read, or has ended.</param>
    /// <exception cref="InterruptedException">The program was told to end.</exception>
    public static void AwaitReadable(FileDescriptor descriptor)
    {
        if (t_armed is not null)
        {
            Poller.Wait(descriptor, PollEvents.In, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>What was begun is complete: from here on nothing is interrupted.</summary>
    /// <exception cref="InterruptedException">The program was told to end before.</exception>
    public void Complete()
    {
        if (t_armed == this)
        {
            ThrowIfTold();
            t_armed = null;
        }
    }

    /// <summary>Ends; signals that came too late are forgotten with the program.</summary>
    public void Dispose()
    {
        t_armed = t_armed == this ? null : t_armed;
        _signals.Dispose();
    }

    internal static void ThrowIfTold()
    {
        if (t_armed is { } armed && armed._signals.TryTake(out ReceivedSignal received))
        {
            t_armed = null;
            throw new InterruptedException(received.Signal);
        }
    }

    /// <summary>In the child of a clone: the parent's affair.</summary>
    internal static void ForgetInChild()
    {
        if (t_armed is not null)
        {
            t_armed = null;
            SignalState.Unblock(Signals);
        }
    }
}

/// <summary>The program was told by a signal to end.</summary>
public sealed class InterruptedException : Exception
{
    /// <summary>By this signal.</summary>
    /// <param name="signal">The signal.</param>
    public InterruptedException(Signal signal)
        : base($"interrupted by {signal.Name()}")
    {
        Signal = signal;
    }

    /// <summary>The signal.</summary>
    public Signal Signal { get; }
}
