using System.Threading.Channels;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Reports that the kernel killed a process of a container for lack of memory.</summary>
internal sealed class OomWatcher : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    private OomWatcher()
    {
    }

    internal static OomWatcher Start(string containerId, Cgroup cgroup, ChannelWriter<string> events)
    {
        var watcher = new OomWatcher();
        _ = watcher.RunAsync(containerId, cgroup.WatchOom(), events);
        return watcher;
    }

    public void Dispose() => _stop.Cancel();    // the source itself may be in use for a moment longer

    private async Task RunAsync(string containerId, OomWatch watch, ChannelWriter<string> events)
    {
        try
        {
            using (watch)
            {
                while (await watch.WaitAsync(EventLoop.Shared, _stop.Token))
                {
                    events.TryWrite(containerId);
                }
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException or SyscallException)
        {
            // The container is gone.
        }
    }
}
