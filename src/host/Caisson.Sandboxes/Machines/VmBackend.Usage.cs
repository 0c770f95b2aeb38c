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
            return new VmWatch(keeper, Connect(record), record.Id);
        }

        keeper.Dispose();
        throw new SandboxException($"container with id {record.Id} is not running");
    }
}
