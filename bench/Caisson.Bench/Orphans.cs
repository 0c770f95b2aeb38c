using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>Processes that became ours because what started them has ended: inits of detached containers, keepers, supervisors.</summary>
internal static class Orphans
{
    /// <summary>Reaps those that have ended.</summary>
    internal static void ReapAll()
    {
        while (ProcessWait.TryWaitAny(out _, out _))
        {
            // The next one.
        }
    }
}
