using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a network namespace holds that a guest is given: interfaces that carry Ethernet, and what goes through them.</summary>
internal sealed record PodNetwork(
    IReadOnlyList<PodInterface> Interfaces, IReadOnlyList<NetworkRoute> Routes, IReadOnlyList<NetworkNeighbor> Neighbors)
{
    internal static readonly PodNetwork Empty = new([], [], []);

    /// <summary>Interfaces in use that no model can carry, each with what it is.</summary>
    internal IReadOnlyList<string> Unusable { get; init; } = [];

    // linux/rtnetlink.h, linux/neighbour.h, linux/if_addr.h
    private const uint MainTable = 254;
    private const byte Unicast = 1;
    private const byte OfKernel = 2;
    private const byte OfRouterAdvertisement = 9;
    private const ushort Permanent = 0x80;

    /// <summary>The name of the interface with an index, or null.</summary>
    internal string? NameOf(int index)
    {
        foreach (PodInterface one in Interfaces)
        {
            if (one.Index == index)
            {
                return one.Name;
            }
        }

        return null;
    }

    private bool Has(string name)
    {
        foreach (PodInterface one in Interfaces)
        {
            if (one.Name == name)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Why an interface is none of <see cref="Interfaces"/>.</summary>
    internal string WhyNot(string name)
    {
        foreach (string one in Unusable)
        {
            if (one.StartsWith($"{name} (", StringComparison.Ordinal))
            {
                return $"{one} carries no Ethernet";
            }
        }

        return Has(name) ? "its guest does not name it" : "it is not up in the network namespace, or belongs to a bridge or bond there";
    }

    /// <summary>Looks at the namespace of the calling thread.</summary>
    /// <param name="route">A socket in it.</param>
    /// <param name="isOwn">Tells interfaces that we made ourselves.</param>
    internal static PodNetwork Scan(RouteSocket route, Predicate<string> isOwn)
    {
        IReadOnlyList<NetworkAddress> addresses = route.Addresses();
        var interfaces = new List<PodInterface>();
        var unusable = new List<string>();
        foreach (NetworkLink link in route.Links())
        {
            // Down: a device that a driver made in every namespace (tunl0, sit0), or one that somebody is still setting up. A port of a
            // bridge or bond is reached by its master.
            if (link.IsLoopback || !link.IsUp || link.MasterIndex != 0 || isOwn(link.Name))
            {
                continue;
            }

            if (link.IsEthernet)
            {
                interfaces.Add(PodInterface.Of(link, addresses));
            }
            else if (HasAddress(link, addresses))
            {
                unusable.Add($"{link.Name} ({(link.Kind.Length > 0 ? link.Kind : "type " + link.Type)})");
            }
        }

        var network = new PodNetwork(interfaces, [], []) { Unusable = unusable };
        return network with { Routes = RoutesOf(network, route), Neighbors = NeighborsOf(network, route) };
    }

    private static bool HasAddress(NetworkLink link, IReadOnlyList<NetworkAddress> addresses)
    {
        foreach (NetworkAddress address in addresses)
        {
            if (address.LinkIndex == link.Index)
            {
                return true;
            }
        }

        return false;
    }

    // The kernel's own follow from addresses, and what a router advertises the guest hears itself.
    private static List<NetworkRoute> RoutesOf(PodNetwork network, RouteSocket route)
    {
        var routes = new List<NetworkRoute>();
        foreach (NetworkRoute one in route.Routes())
        {
            if (one is { Table: MainTable, Type: Unicast, Protocol: not (OfKernel or OfRouterAdvertisement) } && network.NameOf(one.LinkIndex) is not null)
            {
                routes.Add(one);
            }
        }

        return routes;
    }

    private static List<NetworkNeighbor> NeighborsOf(PodNetwork network, RouteSocket route)
    {
        var neighbors = new List<NetworkNeighbor>();
        foreach (NetworkNeighbor one in route.Neighbors())
        {
            if (one is { State: Permanent, HardwareAddress.Length: 6 } && network.NameOf(one.LinkIndex) is not null)
            {
                neighbors.Add(one);
            }
        }

        return neighbors;
    }
}

/// <summary>An interface as the guest shall have it.</summary>
internal sealed record PodInterface(string Name, int Index, byte[] HardwareAddress, int Mtu, string Kind, IReadOnlyList<NetworkAddress> Addresses)
{
    /// <summary>The hardware address as texts have it.</summary>
    internal string Hardware => Text(HardwareAddress);

    internal static string Text(byte[] hardwareAddress) => Convert.ToHexStringLower(hardwareAddress) is { Length: 12 } hex
        ? $"{hex[..2]}:{hex[2..4]}:{hex[4..6]}:{hex[6..8]}:{hex[8..10]}:{hex[10..]}"
        : "";

    // A link-local address is made by each kernel from the hardware address, which is the same.
    internal static PodInterface Of(NetworkLink link, IReadOnlyList<NetworkAddress> all)
    {
        var own = new List<NetworkAddress>();
        foreach (NetworkAddress address in all)
        {
            if (address.LinkIndex == link.Index && !address.Address.IsIPv6LinkLocal)
            {
                own.Add(address);
            }
        }

        return new PodInterface(link.Name, link.Index, link.HardwareAddress, link.Mtu, link.Kind, own);
    }
}
