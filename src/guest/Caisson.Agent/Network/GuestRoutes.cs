using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>The guest's main routing table, and its neighbours.</summary>
internal static class GuestRoutes
{
    /// <summary>RTNH_F_ONLINK of linux/rtnetlink.h: the gateway is on the link, whatever the addresses say.</summary>
    internal const uint OnLink = 4;

    // linux/rtnetlink.h
    private const uint MainTable = 254;
    private const byte Unicast = 1;
    private const byte OfKernel = 2;
    private const byte OfRouterAdvertisement = 9;
    private const ushort PermanentNeighbor = 0x80;

    internal static Routes Replace(IList<Route> wanted)
    {
        using RouteSocket route = RouteSocket.Open();
        Dictionary<string, int> links = Links(route);
        var parsed = new List<NetworkRoute>(wanted.Count);
        foreach (Route one in wanted)
        {
            parsed.Add(NetworkFields.Route(one, IndexOf(links, one.Device)));
        }

        foreach (NetworkRoute there in route.Routes())
        {
            if (IsChangeable(there) && !IsLoopback(links, there.LinkIndex) && !IsWanted(parsed, there))
            {
                route.DeleteRoute(there);
            }
        }

        // A gateway must be reachable when a route names it.
        Add(route, parsed, withGateway: false);
        Add(route, parsed, withGateway: true);
        return List(route);
    }

    internal static Routes List()
    {
        using RouteSocket route = RouteSocket.Open();
        return List(route);
    }

    internal static void AddNeighbors(IList<ARPNeighbor> neighbors)
    {
        using RouteSocket route = RouteSocket.Open();
        Dictionary<string, int> links = Links(route);
        foreach (ARPNeighbor one in neighbors)
        {
            route.SetNeighbor(new NetworkNeighbor(
                IndexOf(links, one.Device),
                NetworkFields.Address(one.ToIpAddress?.Address ?? ""),
                NetworkFields.Hardware(one.Lladdr),
                one.State == 0 ? PermanentNeighbor : (ushort)one.State,
                (byte)one.Flags));
        }
    }

    private static void Add(RouteSocket route, List<NetworkRoute> wanted, bool withGateway)
    {
        foreach (NetworkRoute one in wanted)
        {
            if (one.Gateway is not null == withGateway)
            {
                route.ReplaceRoute(one);
            }
        }
    }

    private static Routes List(RouteSocket route)
    {
        Dictionary<string, int> links = Links(route);
        var list = new Routes();
        foreach (NetworkRoute there in route.Routes())
        {
            if (there is { Table: MainTable, Type: Unicast } && !IsLoopback(links, there.LinkIndex))
            {
                list.Items.Add(Describe(links, there));
            }
        }

        return list;
    }

    private static Route Describe(Dictionary<string, int> links, NetworkRoute route)
    {
        var described = new Route
        {
            Dest = route.Destination is null ? "" : $"{route.Destination}/{route.PrefixLength}",
            Gateway = route.Gateway?.ToString() ?? "",
            Source = route.Source?.ToString() ?? "",
            Scope = route.Scope,
            Family = route.IsV6 ? IPFamily.V6 : IPFamily.V4,
            Flags = route.Flags,
            Metric = route.Metric,
        };
        foreach ((string name, int index) in links)
        {
            described.Device = index == route.LinkIndex ? name : described.Device;
        }

        return described;
    }

    // What stays is not taken away for a moment: packets are under way. IPv6's kernel fills in a metric where none was given.
    private static bool IsWanted(List<NetworkRoute> wanted, NetworkRoute there)
    {
        foreach (NetworkRoute one in wanted)
        {
            bool sameMetric = one.Metric == there.Metric || (one.Metric == 0 && there.IsV6);
            if (sameMetric && one.IsV6 == there.IsV6 && one.PrefixLength == there.PrefixLength && one.LinkIndex == there.LinkIndex
                && Equals(one.Destination, there.Destination) && Equals(one.Gateway, there.Gateway) && Equals(one.Source, there.Source))
            {
                return true;
            }
        }

        return false;
    }

    // The kernel makes and removes its own with addresses; what a router advertises, the guest's kernel hears itself.
    private static bool IsChangeable(NetworkRoute route) =>
        route is { Table: MainTable, Type: Unicast, Protocol: not (OfKernel or OfRouterAdvertisement) };

    private static bool IsLoopback(Dictionary<string, int> links, int index) => links.TryGetValue("lo", out int loopback) && loopback == index;

    private static Dictionary<string, int> Links(RouteSocket route)
    {
        var links = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (NetworkLink link in route.Links())
        {
            links[link.Name] = link.Index;
        }

        return links;
    }

    private static int IndexOf(Dictionary<string, int> links, string name) =>
        name.Length == 0 ? 0 : links.TryGetValue(name, out int index) ? index : throw Refusal.NotFound($"there is no interface {name}");
}
