using System.Globalization;
using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Sandboxes;

/// <summary>A container's network as it sees it itself, in texts for people. What a guest says is printable, and nothing is made of it.</summary>
public sealed record NetworkListing(IReadOnlyList<ListedInterface> Interfaces, IReadOnlyList<ListedRoute> Routes)
{
    private const uint MainTable = 254; // RT_TABLE_MAIN of linux/rtnetlink.h
    private const byte Unicast = 1;

    /// <summary>Looks into a network namespace of this kernel.</summary>
    internal static NetworkListing Of(NamespaceFd network) => NamespaceCalls.InNetwork(network, () =>
    {
        using RouteSocket route = RouteSocket.Open();
        IReadOnlyList<NetworkLink> links = route.Links();
        IReadOnlyList<NetworkAddress> addresses = route.Addresses();
        var interfaces = new List<ListedInterface>();
        foreach (NetworkLink link in links)
        {
            interfaces.Add(new ListedInterface(link.Name, PodInterface.Text(link.HardwareAddress), link.Mtu, AddressesOf(link, addresses)));
        }

        return new NetworkListing(interfaces, RoutesOf(route, links));
    });

    /// <summary>What a guest says, as it came.</summary>
    internal static NetworkListing Parse(byte[] interfaces, byte[] routes) =>
        Of(Protocol.Interfaces.Parser.ParseFrom(interfaces), Protocol.Routes.Parser.ParseFrom(routes));

    internal bool Has(string name)
    {
        foreach (ListedInterface one in Interfaces)
        {
            if (one.Name == name)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What a guest says.</summary>
    private static NetworkListing Of(Interfaces interfaces, Routes routes)
    {
        var listed = new List<ListedInterface>();
        foreach (Interface one in interfaces.Items)
        {
            var addresses = new List<string>();
            foreach (Protocol.IPAddress address in one.IpAddresses)
            {
                addresses.Add(GuestText.Line($"{address.Address}/{address.Mask}"));
            }

            listed.Add(new ListedInterface(GuestText.Line(one.Name), GuestText.Line(one.HwAddr), (long)Math.Min(one.Mtu, long.MaxValue), addresses));
        }

        var listedRoutes = new List<ListedRoute>();
        foreach (Route one in routes.Items)
        {
            listedRoutes.Add(new ListedRoute(
                one.Dest.Length > 0 ? GuestText.Line(one.Dest) : "default",
                GuestText.Line(one.Gateway),
                GuestText.Line(one.Device),
                GuestText.Line(one.Source),
                one.Metric));
        }

        return new NetworkListing(listed, listedRoutes);
    }

    private static List<string> AddressesOf(NetworkLink link, IReadOnlyList<NetworkAddress> addresses)
    {
        var texts = new List<string>();
        foreach (NetworkAddress address in addresses)
        {
            if (address.LinkIndex == link.Index)
            {
                texts.Add(string.Create(CultureInfo.InvariantCulture, $"{address.Address}/{address.PrefixLength}"));
            }
        }

        return texts;
    }

    private static List<ListedRoute> RoutesOf(RouteSocket route, IReadOnlyList<NetworkLink> links)
    {
        var routes = new List<ListedRoute>();
        foreach (NetworkRoute one in route.Routes())
        {
            string device = "";
            foreach (NetworkLink link in links)
            {
                device = link.Index == one.LinkIndex ? link.Name : device;
            }

            if (one is { Table: MainTable, Type: Unicast } && device is not ("lo" or ""))
            {
                string destination = one.Destination is { } to ? string.Create(CultureInfo.InvariantCulture, $"{to}/{one.PrefixLength}") : "default";
                routes.Add(new ListedRoute(destination, one.Gateway?.ToString() ?? "", device, one.Source?.ToString() ?? "", one.Metric));
            }
        }

        return routes;
    }
}

/// <summary>An interface.</summary>
public sealed record ListedInterface(string Name, string HardwareAddress, long Mtu, IReadOnlyList<string> Addresses);

/// <summary>A route of the main table; what is not given is empty, and the metric 0.</summary>
public sealed record ListedRoute(string Destination, string Gateway, string Interface, string Source, uint Metric);
