using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <content>The pod's network: led into the machine before it starts, told to its guest, and taken away after it has ended.</content>
internal sealed partial class Sandbox
{
    // Between the steps of a plugin that sets an interface up; and what a guest that is told of every change would suffer of a flood.
    private static readonly TimeSpan s_networkRest = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _networkEnding = new();
    private readonly SemaphoreSlim _networkTurn = new(1);       // one look at the namespace, with what follows from it, at a time
    private Task _watchingNetwork = Task.CompletedTask;
    private Task _mirroringPorts = Task.CompletedTask;
    private SandboxNetwork? _network;           // by BootAsync or Load, before anybody else is served
    private NetworkPicture? _networkTold;       // owned by BootAsync, then under _networkTurn
    private NetworkSnapshot? _networkRecord;    // under _lock
    private int _networkQueues = 1;

    /// <summary>The network as the guest says it is.</summary>
    internal Task<(byte[] Interfaces, byte[] Routes)> ListNetworkAsync(string containerId, CancellationToken cancellationToken)
    {
        RequireAlive(Find(containerId));
        return Guest.ListNetworkAsync(cancellationToken);
    }

    /// <summary>
    /// Follows what a command has just done in the namespace, instead of waiting until the watch hears of it: when this returns, the
    /// machine has the interface, or has it no more.
    /// </summary>
    internal async Task AwaitInterfaceAsync(string containerId, string name, bool isThere, CancellationToken cancellationToken)
    {
        RequireAlive(Find(containerId));
        if (_network is not { } network)
        {
            throw new SandboxException("network: this virtual machine takes no interfaces, or its namespace is gone");
        }

        // A caller that goes away leaves nothing half done: the cards are the sandbox's.
        await FollowNetworkAsync(network, _networkEnding.Token).WaitAsync(cancellationToken);
        (byte[] interfaces, byte[] routes) = await Guest.ListNetworkAsync(cancellationToken);
        if (NetworkListing.Parse(interfaces, routes).Has(name) != isThere)
        {
            string why = isThere ? $"not in the virtual machine: {network.Pod.WhyNot(name)}" : "still in the virtual machine: its guest does not let go of it";
            throw new SandboxException($"network: {name} is {why}");
        }
    }

    private async Task StartMachineAsync(MachinePlan plan, CancellationToken cancellationToken)
    {
        IReadOnlyList<NetworkCard> cards = [];
        try
        {
            if (plan.Network is { } asked)
            {
                _networkQueues = plan.Size.VirtualCpus;
                _network = new SandboxNetwork(asked, _place.Id);
                cards = _network.Attach(plan.Size.VirtualCpus, () => SaveNetwork(_network));
            }

            await _machine.StartAsync(plan with { NetworkCards = cards }, _share.Path, Save, cancellationToken);
        }
        finally
        {
            // The machine has them; with it they go.
            foreach (NetworkCard card in cards)
            {
                card.Dispose();
            }
        }
    }

    private async Task TellNetworkAsync(CancellationToken cancellationToken)
    {
        if (_network is not { } network)
        {
            return;
        }

        NetworkPicture picture = NetworkMessages.Of(network.Pod);
        if (!picture.SaysTheSame(_networkTold) && (_networkTold is not null || network.Pod.Interfaces.Count > 0))
        {
            await Guest.SetNetworkAsync(picture, cancellationToken);
            _networkTold = picture;
        }
    }

    /// <summary>Follows what happens to the pod's interfaces for as long as the machine runs.</summary>
    private void WatchNetwork()
    {
        if (_network is { } network)
        {
            _watchingNetwork = Task.Run(() => WatchNetworkAsync(network, _networkEnding.Token));
            _mirroringPorts = Task.Run(() => new PortMirror(network, Guest, _log).RunAsync(_networkEnding.Token));
        }
    }

    private async Task WatchNetworkAsync(SandboxNetwork network, CancellationToken cancellationToken)
    {
        try
        {
            using RouteMonitor monitor = network.Watch();
            while (true)
            {
                try
                {
                    await FollowNetworkAsync(network, cancellationToken);
                }
                catch (SandboxException cause)
                {
                    // The next change brings another attempt; what is there goes on.
                    _log.Error($"network: following a change: {cause.Message}");
                }

                await monitor.ChangedAsync(EventLoop.Shared, cancellationToken);

                // An interface comes in several steps: one look for all of them.
                await Task.Delay(s_networkRest, cancellationToken);
                monitor.Drain();
            }
        }
        catch (OperationCanceledException)
        {
            // The sandbox ends, or this supervisor lets go.
        }
        catch (Exception cause)
        {
            // The machine and its network go on as they are; its ending waits for this task and must not fail by it.
            _log.Error($"network: changes are not followed any more: {cause}");
        }
    }

    private async Task FollowNetworkAsync(SandboxNetwork network, CancellationToken cancellationToken)
    {
        await _networkTurn.WaitAsync(cancellationToken);
        try
        {
            foreach (NetworkAttachment gone in network.FindGone())
            {
                // On record until it is out of the machine: if this supervisor dies meanwhile, the next one goes on.
                await _machine.RemoveNetworkCardAsync(gone.Tap, cancellationToken);
                network.Forget(gone);
                SaveNetwork(network);
                _log.Information($"network: interface {gone.Name} has gone");
            }

            await PlugAsync(network, network.Follow(_networkQueues, () => SaveNetwork(network)), cancellationToken);
            foreach (string unusable in network.Pod.Unusable)
            {
                _log.Warning($"network: the interface {unusable} carries no Ethernet and is not passed into the virtual machine");
            }

            await TellNetworkAsync(cancellationToken);
        }
        finally
        {
            _networkTurn.Release();
        }
    }

    private async Task PlugAsync(SandboxNetwork network, IReadOnlyList<NetworkCard> cards, CancellationToken cancellationToken)
    {
        try
        {
            foreach (NetworkCard card in cards)
            {
                await PlugAsync(network, card, cancellationToken);
            }
        }
        finally
        {
            // The machine has them. What it has not lacks its TAP from here on, by which the next look finds it.
            foreach (NetworkCard card in cards)
            {
                card.Dispose();
            }
        }
    }

    private async Task PlugAsync(SandboxNetwork network, NetworkCard card, CancellationToken cancellationToken)
    {
        try
        {
            await _machine.AddNetworkCardAsync(card, cancellationToken);
            _log.Information($"network: interface {card.HardwareAddress} is in the virtual machine");
        }
        catch
        {
            network.GiveUp(card.Id);
            SaveNetwork(network);
            throw;
        }
    }

    private void SaveNetwork(SandboxNetwork network) => Change(() => _networkRecord = network.Record);

    private Task LeaveNetworkAsync()
    {
        _networkEnding.Cancel();
        return Task.WhenAll(_watchingNetwork, _mirroringPorts, _relayingNames);
    }

    // Never fails: an ending goes on whatever the namespace has become.
    private async Task DetachNetworkAsync()
    {
        await LeaveNetworkAsync();
        try
        {
            _network?.Detach();
        }
        catch (SandboxException cause)
        {
            _log.Warning($"the pod's network namespace could not be cleared: {cause.Message}");
        }
    }
}
