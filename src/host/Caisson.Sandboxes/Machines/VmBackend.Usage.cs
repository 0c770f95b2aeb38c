using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Sandboxes;

/// <content>What a container uses, and waiting for its end.</content>
public sealed partial class VmBackend
{
    public ContainerUsage Measure(ContainerRecord record)
    {
        using ControlClient client = Connect(record);
        Linux.CgroupStats stats = GuestStats.From(StatsContainerResponse.Parser.ParseFrom(client.Stats(record.Id)));
        return new ContainerUsage(stats);
    }

    public IContainerWatch Watch(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!PidFd.TryOpen(record.Init.Pid, out PidFd? keeper, out _))
        {
            throw new SandboxException($"container with id {record.Id} is not running");
        }

        if (record.Init.IsAlive)
        {
            return new KeeperWatch(keeper);
        }

        keeper.Dispose();
        throw new SandboxException($"container with id {record.Id} is not running");
    }

    // The guest's own memory events are not carried to the host yet; the end of the container is seen by its keeper.
    private sealed class KeeperWatch(PidFd keeper) : IContainerWatch
    {
        public WaitOutcome Wait(TimeSpan atMost) =>
            Poller.Wait(keeper, PollEvents.In, atMost) == PollEvents.None ? WaitOutcome.TimeOver : WaitOutcome.Stopped;

        public void Dispose() => keeper.Dispose();
    }
}
