using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>Network cards that come and go while a machine runs, by its monitor.</summary>
internal sealed class NetworkPlug
{
    private const string VhostNet = "/dev/vhost-net";

    // A guest lets go of a card within milliseconds; under emulation on a loaded host within many seconds. One that never does keeps a dead card.
    private static readonly TimeSpan s_removalPatience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource> _removals = [];     // by device, under _lock

    /// <summary>Looks at what happened in the machine; on the monitor's reading loop.</summary>
    internal void Remember(QmpMessage.Notification happened)
    {
        if (happened.Name != "DEVICE_DELETED" || happened.Text("device") is not { } device)
        {
            return;
        }

        lock (_lock)
        {
            _removals.GetValueOrDefault(device)?.TrySetResult();
        }
    }

    internal static async Task AddAsync(QmpClient monitor, VmNetworkCard card, CancellationToken cancellationToken)
    {
        try
        {
            await AddBackendAsync(monitor, card, cancellationToken).ConfigureAwait(false);
            try
            {
                await monitor.ExecuteAsync("device_add", json => WriteDevice(json, card), cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await monitor.ExecuteAsync("netdev_del", json => json.WriteString("id", card.Id), cancellationToken: CancellationToken.None).ConfigureAwait(false);
                throw;
            }
        }
        catch (Exception cause) when (cause is QmpException or SyscallException)
        {
            throw new HypervisorException("plug in a network card", (cause as QmpException)?.Description ?? cause.Message, cause: cause);
        }
    }

    internal async Task RemoveAsync(QmpClient monitor, string id, CancellationToken cancellationToken)
    {
        string device = QemuCommandLine.DeviceIdOf(id);
        var removed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _removals[device] = removed;
        }

        try
        {
            if (await TryDeleteAsync(monitor, "device_del", device, cancellationToken).ConfigureAwait(false))
            {
                await Task.WhenAny(removed.Task, Task.Delay(s_removalPatience, cancellationToken)).ConfigureAwait(false);
            }

            // Closes the TAP; a card that the guest has kept has its link down from here on.
            await TryDeleteAsync(monitor, "netdev_del", id, cancellationToken).ConfigureAwait(false);
        }
        catch (QmpException cause)
        {
            throw new HypervisorException("pull out a network card", cause.Description, cause: cause);
        }
        finally
        {
            lock (_lock)
            {
                _removals.Remove(device);
            }
        }
    }

    // False where it is not there, or is being removed: by a supervisor that died before it could write so down.
    private static async Task<bool> TryDeleteAsync(QmpClient monitor, string command, string id, CancellationToken cancellationToken)
    {
        try
        {
            await monitor.ExecuteAsync(command, json => json.WriteString("id", id), cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (QmpException cause) when (cause.ErrorClass is "DeviceNotFound" or "GenericError")
        {
            return false;
        }
    }

    private static async Task AddBackendAsync(QmpClient monitor, VmNetworkCard card, CancellationToken cancellationToken)
    {
        var queues = new List<string>();
        var vhosts = new List<string>();
        try
        {
            await AddBackendAsync(monitor, card, queues, vhosts, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception cause) when (cause is QmpException or SyscallException)
        {
            // What QEMU has not taken it would hold under its name for ever, and with a queue the TAP.
            foreach (string name in (List<string>)[.. queues, .. vhosts])
            {
                await TryCloseAsync(monitor, name).ConfigureAwait(false);
            }

            throw;
        }
    }

    private static async Task AddBackendAsync(
        QmpClient monitor, VmNetworkCard card, List<string> queues, List<string> vhosts, CancellationToken cancellationToken)
    {
        bool withVhostNet = QemuHypervisor.HasVhostNet;
        foreach (FileDescriptor queue in card.Queues)
        {
            queues.Add($"{card.Id}-{queues.Count}");
            await monitor.SendDescriptorAsync(queues[^1], queue, cancellationToken).ConfigureAwait(false);
            if (withVhostNet)
            {
                vhosts.Add($"{card.Id}-vhost-{vhosts.Count}");
                using FileFd vhost = FileCalls.Open(VhostNet, OpenFlags.O_RDWR);
                await monitor.SendDescriptorAsync(vhosts[^1], vhost, cancellationToken).ConfigureAwait(false);
            }
        }

        await monitor.ExecuteAsync("netdev_add", json =>
        {
            json.WriteString("type", "tap");
            json.WriteString("id", card.Id);
            json.WriteString("fds", string.Join(':', queues));
            if (withVhostNet)
            {
                json.WriteBoolean("vhost", true);
                json.WriteString("vhostfds", string.Join(':', vhosts));
            }
        }, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private static async Task TryCloseAsync(QmpClient monitor, string name)
    {
        try
        {
            await monitor.ExecuteAsync("closefd", json => json.WriteString("fdname", name), cancellationToken: CancellationToken.None).ConfigureAwait(false);
        }
        catch (QmpException)
        {
            // It was taken before the failure, and closed with it; or there is no QEMU any more.
        }
    }

    private static void WriteDevice(Utf8JsonWriter json, VmNetworkCard card)
    {
        json.WriteString("driver", "virtio-net-pci");
        json.WriteString("id", QemuCommandLine.DeviceIdOf(card.Id));
        json.WriteString("bus", QemuCommandLine.NetworkBus);
        json.WriteString("netdev", card.Id);
        json.WriteString("mac", card.HardwareAddress);
        json.WriteString("romfile", "");
        json.WriteString("disable-legacy", "on");
        if (card.Queues.Count > 1)
        {
            json.WriteBoolean("mq", true);
            json.WriteNumber("vectors", QemuCommandLine.VectorsFor(card.Queues.Count));
        }
    }
}
