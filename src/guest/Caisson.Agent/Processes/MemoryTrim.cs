using System.Diagnostics.CodeAnalysis;

namespace Caisson.Agent;

/// <summary>
/// Gives memory back some time after a process or container is gone: buffers of a busy moment would otherwise stay with an idle machine
/// for ever, because an idle agent allocates nothing and so collects nothing.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as PID 1.")]
internal sealed class MemoryTrim
{
    // Long enough that a burst of execs costs one collection, which takes some milliseconds.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly Timer _timer = new(static _ => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    /// <summary>Something was forgotten.</summary>
    internal void Soon() => _timer.Change(s_pause, Timeout.InfiniteTimeSpan);
}
