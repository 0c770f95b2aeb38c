namespace Caisson.Sandboxes;

/// <content>The pod's network: led into the machine before it starts, told to its guest, and taken away after it has ended.</content>
internal sealed partial class Sandbox
{
    private async Task StartMachineAsync(MachinePlan plan, CancellationToken cancellationToken)
    {
        IReadOnlyList<NetworkCard> cards = [];
        try
        {
            if (plan.Network is { } asked)
            {
                _network = new SandboxNetwork(asked, _place.Id);
                cards = _network.Attach(plan.Size.VirtualCpus, () => Change(() => _networkRecord = _network.Record));
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
        if (_network is { Pod.Interfaces.Count: > 0 } network)
        {
            await Guest.SetNetworkAsync(network.Pod, cancellationToken);
        }
    }

    // Never fails: an ending goes on whatever the namespace has become.
    private void DetachNetwork()
    {
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
