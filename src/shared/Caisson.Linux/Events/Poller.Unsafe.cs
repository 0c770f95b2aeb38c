using System.Diagnostics;

namespace Caisson.Linux;

/// <summary>One descriptor to wait for, and what came of it.</summary>
public struct PollTarget
{
    /// <summary>A target.</summary>
    /// <param name="descriptor">The descriptor; null is skipped, so that slots may stay in place.</param>
    /// <param name="wanted">The events to wait for.</param>
    public PollTarget(FileDescriptor? descriptor, PollEvents wanted)
    {
        Descriptor = descriptor;
        Wanted = wanted;
    }

    /// <summary>The descriptor, or null for a slot that is skipped.</summary>
    public FileDescriptor? Descriptor { get; set; }

    /// <summary>The events to wait for.</summary>
    public PollEvents Wanted { get; set; }

    /// <summary>The events that were there when the wait ended.</summary>
    public PollEvents Returned { get; set; }
}

/// <summary>Synchronous readiness by poll(2), for programs with a single thread.</summary>
public static unsafe class Poller
{
    // More than any single-threaded program of ours watches; beyond that an EventLoop is the right thing.
    private const int MaxTargets = 256;

    /// <summary>Waits until at least one target is ready or the time is over. Interrupted waits go on with the time that is left.</summary>
    /// <param name="targets">What to wait for; <see cref="PollTarget.Returned"/> is filled in.</param>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <returns>How many targets are ready; 0 after the time is over.</returns>
    /// <exception cref="InterruptedException">The program was told to end, while an <see cref="Interruption"/> is armed.</exception>
    public static int Wait(Span<PollTarget> targets, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(targets.Length, MaxTargets);
        Libc.PollFd* list = stackalloc Libc.PollFd[MaxTargets + 1];
        for (int i = 0; i < targets.Length; i++)
        {
            list[i] = new Libc.PollFd { Number = targets[i].Descriptor?.Number ?? -1, Wanted = (short)targets[i].Wanted };
        }

        // Last, so that nobody's place changes.
        SignalFd? interruption = Interruption.Descriptor;
        int count = targets.Length;
        if (interruption is not null)
        {
            list[count++] = new Libc.PollFd { Number = interruption.Number, Wanted = (short)PollEvents.In };
        }

        int ready = Restart(list, count, timeout);
        if (interruption is not null && list[count - 1].Returned != 0)
        {
            Interruption.ThrowIfTold();
            ready--;
        }

        for (int i = 0; i < targets.Length; i++)
        {
            targets[i].Returned = (PollEvents)(ushort)list[i].Returned;
            GC.KeepAlive(targets[i].Descriptor);
        }

        return ready;
    }

    /// <summary>Waits for one descriptor.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="wanted">The events to wait for.</param>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <returns>What is ready; <see cref="PollEvents.None"/> after the time is over.</returns>
    public static PollEvents Wait(FileDescriptor descriptor, PollEvents wanted, TimeSpan timeout)
    {
        var target = new PollTarget(descriptor, wanted);
        Wait(new Span<PollTarget>(ref target), timeout);
        return target.Returned;
    }

    /// <summary>Whether an event is there right now.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="wanted">The events to look for.</param>
    public static bool IsReady(FileDescriptor descriptor, PollEvents wanted) =>
        Wait(descriptor, wanted, TimeSpan.Zero) != PollEvents.None;

    private static int Restart(Libc.PollFd* list, int count, TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        int milliseconds = Milliseconds(timeout);
        while (true)
        {
            // SAFETY: the list is the caller's frame, and count is at most its length.
            int ready = Libc.poll_many(list, (nuint)count, milliseconds);
            if (ready >= 0)
            {
                return ready;
            }

            if (Libc.LastError != Errno.EINTR)
            {
                throw new SyscallException("poll", Libc.LastError);
            }

            if (milliseconds > 0)
            {
                TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
                milliseconds = left <= TimeSpan.Zero ? 0 : Milliseconds(left);
            }
        }
    }

    // Rounded up: a wait that ends a little early would spin until the time is really over.
    private static int Milliseconds(TimeSpan timeout) =>
        timeout < TimeSpan.Zero ? -1 : (int)Math.Min(Math.Ceiling(timeout.TotalMilliseconds), int.MaxValue);
}
