namespace Caisson.Linux;

/// <summary>The machine's wall clock.</summary>
public static unsafe class SystemClock
{
    private const int SysClockSettime = 227;
    private const int ClockRealtime = 0;

    /// <summary>Sets it.</summary>
    /// <param name="seconds">Since 1970, UTC.</param>
    /// <param name="nanoseconds">Below a second.</param>
    public static void Set(long seconds, long nanoseconds)
    {
        long* time = stackalloc long[2] { seconds, nanoseconds };
        // SAFETY: struct timespec is two longs on x86-64, as this frame's buffer.
        Libc.Check(Libc.syscall(SysClockSettime, ClockRealtime, (long)time), "clock_settime(CLOCK_REALTIME)");
    }
}
