using System.Net.Sockets;
using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>A pod's network in the agent API's messages.</summary>
internal static class NetworkMessages
{
    private const uint OnLink = 4; // RTNH_F_ONLINK of linux/rtnetlink.h; the other flags are states of the host's link

    internal static NetworkPicture Of(PodNetwork network)
    {
        var interfaces = new Interfaces();
        foreach (PodInterface one in network.Interfaces)
        {
            interfaces.Items.Add(Of(one));
        }

        return new NetworkPicture(interfaces, RoutesOf(network), NeighborsOf(network));
    }

    private static Interface Of(PodInterface pod)
    {
        var wire = new Interface { Device = pod.Name, Name = pod.Name, Mtu = (ulong)pod.Mtu, HwAddr = pod.Hardware };
        foreach (NetworkAddress address in pod.Addresses)
        {
            wire.IpAddresses.Add(new IPAddress
            {
                Family = FamilyOf(address.Address),
                Address = address.Address.ToString(),
                Mask = $"{address.PrefixLength}",
            });
        }

        return wire;
    }

    private static Routes RoutesOf(PodNetwork network)
    {
        var wire = new Routes();
        foreach (NetworkRoute route in network.Routes)
        {
            wire.Items.Add(new Route
            {
                Dest = route.Destination is null ? "" : $"{route.Destination}/{route.PrefixLength}",
                Gateway = route.Gateway?.ToString() ?? "",
                Device = network.NameOf(route.LinkIndex) ?? "",
                Source = route.Source?.ToString() ?? "",
                Scope = route.Scope,
                Family = route.IsV6 ? IPFamily.V6 : IPFamily.V4,
                Flags = route.Flags & OnLink,
                Metric = route.Metric,
            });
        }

        return wire;
    }

    private static ARPNeighbors NeighborsOf(PodNetwork network)
    {
        var wire = new ARPNeighbors();
        foreach (NetworkNeighbor neighbor in network.Neighbors)
        {
            wire.Items.Add(new ARPNeighbor
            {
                ToIpAddress = new IPAddress { Family = FamilyOf(neighbor.Address), Address = neighbor.Address.ToString() },
                Device = network.NameOf(neighbor.LinkIndex) ?? "",
                Lladdr = PodInterface.Text(neighbor.HardwareAddress),
                State = neighbor.State,
                Flags = neighbor.Flags,
            });
        }

        return wire;
    }

    private static IPFamily FamilyOf(System.Net.IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? IPFamily.V6 : IPFamily.V4;
}

/// <summary>All that a guest is told of its network.</summary>
internal sealed class NetworkPicture(Interfaces interfaces, Routes routes, ARPNeighbors neighbors)
{
    internal Interfaces Interfaces => interfaces;

    internal Routes Routes => routes;

    internal ARPNeighbors Neighbors => neighbors;

    /// <summary>Whether another says the same. By bytes: the messages' own comparison is left out of the executable.</summary>
    internal bool SaysTheSame(NetworkPicture? other) =>
        other is not null
        && IsSame(interfaces, other.Interfaces)
        && IsSame(routes, other.Routes)
        && IsSame(neighbors, other.Neighbors);

    private static bool IsSame(IMessage left, IMessage right) => left.ToByteArray().AsSpan().SequenceEqual(right.ToByteArray());
}
