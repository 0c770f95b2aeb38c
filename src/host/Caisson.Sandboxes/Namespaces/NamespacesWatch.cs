using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A container of this host's kernel, watched by its init's pidfd and its memory cgroup.</summary>
internal sealed class NamespacesWatch(PidFd init, OomWatch memory) : IContainerWatch
{
    public WaitOutcome Wait(TimeSpan atMost)
    {
        long began = Stopwatch.GetTimestamp();
        bool forEver = atMost == Timeout.InfiniteTimeSpan;
        while (true)
        {
            TimeSpan left = forEver ? atMost : atMost - Stopwatch.GetElapsedTime(began);
            Span<PollTarget> targets = [new PollTarget(memory.Descriptor, memory.Events), new PollTarget(init, PollEvents.In)];
            if ((left <= TimeSpan.Zero && !forEver) || Poller.Wait(targets, left) == 0)
            {
                return WaitOutcome.TimeOver;
            }

            // The kernel kills after it has told us: the event before the end that it causes.
            if (targets[0].Returned != PollEvents.None && memory.TryTake())
            {
                return WaitOutcome.OutOfMemory;
            }

            if (targets[1].Returned != PollEvents.None)
            {
                return WaitOutcome.Stopped;
            }
        }
    }

    public void Dispose()
    {
        memory.Dispose();
        init.Dispose();
    }
}
