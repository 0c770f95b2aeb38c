namespace Caisson.Sandboxes;

/// <content>The network inside the machine.</content>
public sealed partial class VmBackend
{
    public NetworkListing ListNetwork(ContainerRecord record)
    {
        using ControlClient client = Connect(record);
        return client.ListNetwork(record.Id);
    }

    public void AwaitInterface(ContainerRecord record, string name, bool isThere)
    {
        ArgumentNullException.ThrowIfNull(record);
        using ControlClient client = Connect(record);
        client.AwaitInterface(record.Id, name, isThere);
    }

    public void RequireNetwork(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (PlaceOf(record).TryReadSnapshot() is not { Network: not null })
        {
            throw new SandboxException(
                "network: this virtual machine takes no interfaces: its container was made without a network namespace that others bring interfaces to (docs/network.md)");
        }
    }
}
