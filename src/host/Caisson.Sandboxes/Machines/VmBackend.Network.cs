using System.Diagnostics;

namespace Caisson.Sandboxes;

/// <content>The network inside the machine.</content>
public sealed partial class VmBackend
{
    // A card is plugged in within a second, and a guest's kernel under emulation on a loaded host needs some more.
    private static readonly TimeSpan s_cardPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_nextLook = TimeSpan.FromMilliseconds(50);

    public NetworkListing ListNetwork(ContainerRecord record)
    {
        using ControlClient client = Connect(record);
        return client.ListNetwork(record.Id);
    }

    public void AwaitInterface(ContainerRecord record, string name, bool isThere)
    {
        ArgumentNullException.ThrowIfNull(record);
        using ControlClient client = Connect(record);
        long start = Stopwatch.GetTimestamp();
        while (Has(client.ListNetwork(record.Id), name) != isThere)
        {
            if (Stopwatch.GetElapsedTime(start) > s_cardPatience)
            {
                throw new SandboxException(
                    $"network: {name} is {(isThere ? "not in" : "still in")} the virtual machine after {s_cardPatience.TotalSeconds:0} s{PlaceOf(record).LogTail()}");
            }

            Thread.Sleep(s_nextLook);
        }
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

    private static bool Has(NetworkListing listing, string name)
    {
        foreach (ListedInterface one in listing.Interfaces)
        {
            if (one.Name == name)
            {
                return true;
            }
        }

        return false;
    }
}
