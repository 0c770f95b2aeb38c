namespace Caisson.Ttrpc;

/// <summary>Timeouts: nanoseconds on the wire, where 0 means none.</summary>
internal static class TtrpcTime
{
    private const long NanosecondsPerTick = 100;

    // What a timer of the runtime can hold; 24 days mean no timeout to anybody.
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(int.MaxValue);

    internal static long ToNanoseconds(TimeSpan? timeout) => timeout switch
    {
        null => 0,
        { Ticks: <= 0 } => 1,
        { Ticks: >= long.MaxValue / NanosecondsPerTick } => long.MaxValue,
        { Ticks: var ticks } => ticks * NanosecondsPerTick,
    };

    /// <returns>The limit for a timer; null for none. A negative number has passed already.</returns>
    internal static TimeSpan? FromNanoseconds(long nanoseconds) => nanoseconds switch
    {
        0 => null,
        < 0 => TimeSpan.Zero,
        _ => Clamp(TimeSpan.FromTicks(nanoseconds / NanosecondsPerTick)),
    };

    internal static TimeSpan Clamp(TimeSpan timeout) =>
        timeout < TimeSpan.Zero ? TimeSpan.Zero : timeout > s_longest ? s_longest : timeout;
}
