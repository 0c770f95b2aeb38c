using System.Diagnostics;
using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>The guest's interfaces: found by hardware address, because the kernel numbers them by chance.</summary>
internal static class GuestInterfaces
{
    // A device that was plugged in is found by the kernel within milliseconds; under emulation on a loaded host within seconds.
    private static readonly TimeSpan s_devicePatience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan s_nextLook = TimeSpan.FromSeconds(1);

    internal static Interface Update(InterfaceWish wish)
    {
        using RouteSocket route = RouteSocket.Open();
        NetworkLink link = Find(route, wish.HardwareAddress);
        Name(route, link, wish.Name);
        if (wish.Mtu != 0 && wish.Mtu != link.Mtu)
        {
            route.SetMtu(link.Index, wish.Mtu);
        }

        if (!link.IsUp)
        {
            // Before it comes up, or its link-local address would be tentative for a second.
            SmallFile.TryWrite($"/proc/sys/net/ipv6/conf/{wish.Name}/accept_dad", "0", out _);
            route.SetUp(link.Index);
        }

        Address(route, link.Index, wish.Addresses);
        return Describe(route.FindLink(wish.Name), route.Addresses());
    }

    internal static Interfaces List()
    {
        using RouteSocket route = RouteSocket.Open();
        IReadOnlyList<NetworkAddress> addresses = route.Addresses();
        var list = new Interfaces();
        foreach (NetworkLink link in route.Links())
        {
            list.Items.Add(Describe(link, addresses));
        }

        return list;
    }

    private static NetworkLink Find(RouteSocket route, byte[] hardwareAddress)
    {
        using RouteMonitor monitor = RouteMonitor.Open();
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            foreach (NetworkLink link in route.Links())
            {
                if (link.IsEthernet && link.HardwareAddress.AsSpan().SequenceEqual(hardwareAddress))
                {
                    return link;
                }
            }

            if (Stopwatch.GetElapsedTime(start) > s_devicePatience)
            {
                throw Refusal.NotFound(
                    $"no interface with the hardware address {NetworkFields.Text(hardwareAddress)} has appeared within {s_devicePatience.TotalSeconds:0} s");
            }

            Poller.Wait(monitor.Descriptor, PollEvents.In, s_nextLook);
            monitor.Drain();
        }
    }

    // Whoever has the name loses it: it will be named in its turn, and an interface must be down to be renamed.
    private static void Name(RouteSocket route, NetworkLink link, string name)
    {
        if (link.Name == name)
        {
            return;
        }

        if (route.TryFindLink(name, out NetworkLink? holder))
        {
            Rename(route, holder, $"if{holder.Index}");
        }

        Rename(route, link, name);
    }

    private static void Rename(RouteSocket route, NetworkLink link, string name)
    {
        if (link.IsUp)
        {
            route.SetDown(link.Index);
        }

        route.Rename(link.Index, name);
        if (link.IsUp)
        {
            route.SetUp(link.Index);
        }
    }

    private static void Address(RouteSocket route, int link, IReadOnlyList<NetworkAddress> wanted)
    {
        foreach (NetworkAddress there in route.Addresses())
        {
            if (there.LinkIndex == link && !IsAmong(wanted, there) && !IsOwnOfLink(there))
            {
                route.DeleteAddress(there);
            }
        }

        IReadOnlyList<NetworkAddress> left = route.Addresses();
        foreach (NetworkAddress address in wanted)
        {
            if (!IsAmong(left, address with { LinkIndex = link }))
            {
                route.AddAddress(address with { LinkIndex = link });
            }
        }
    }

    // The kernel makes it from the hardware address, which is the same on both sides.
    private static bool IsOwnOfLink(NetworkAddress address) => address.Address.IsIPv6LinkLocal;

    private static bool IsAmong(IReadOnlyList<NetworkAddress> list, NetworkAddress wanted)
    {
        foreach (NetworkAddress one in list)
        {
            bool sameLink = one.LinkIndex == 0 || wanted.LinkIndex == 0 || one.LinkIndex == wanted.LinkIndex;
            if (sameLink && one.Address.Equals(wanted.Address) && one.PrefixLength == wanted.PrefixLength)
            {
                return true;
            }
        }

        return false;
    }

    private static Interface Describe(NetworkLink link, IReadOnlyList<NetworkAddress> addresses)
    {
        var described = new Interface
        {
            Device = link.Name,
            Name = link.Name,
            Mtu = (ulong)link.Mtu,
            HwAddr = NetworkFields.Text(link.HardwareAddress),
            Type = link.Kind,
            RawFlags = link.Flags,
        };
        foreach (NetworkAddress address in addresses)
        {
            if (address.LinkIndex == link.Index)
            {
                described.IpAddresses.Add(new IPAddress
                {
                    Family = NetworkFields.FamilyOf(address.Address),
                    Address = address.Address.ToString(),
                    Mask = $"{address.PrefixLength}",
                });
            }
        }

        return described;
    }
}
