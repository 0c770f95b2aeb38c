using System.Net;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>Each test runs on a thread with a network namespace of its own, which ends with the thread.</summary>
public sealed class RouteSocketTests
{
    [Fact]
    public void New_namespace_has_loopback_only_and_it_comes_up() => InNewNamespace(route =>
    {
        NetworkLink lo = Assert.Single(route.Links(), link => link.IsLoopback);
        Assert.False(lo.IsUp);
        LoopbackInterface.BringUp();
        Assert.True(route.FindLink("lo").IsUp);
        Assert.Contains(route.Addresses(), address => address.Address.Equals(IPAddress.Loopback) && address.PrefixLength == 8);
        route.SetDown(lo.Index);
        Assert.False(route.FindLink("lo").IsUp);
    });

    [Fact]
    public void Veth_pair_carries_addresses_routes_and_neighbours() => InNewNamespace(route =>
    {
        route.CreateVeth("left", "right");
        NetworkLink left = route.FindLink("left");
        NetworkLink right = route.FindLink("right");
        Assert.Equal("veth", left.Kind);
        Assert.Equal(right.Index, left.ParentIndex);
        Assert.Equal(6, left.HardwareAddress.Length);
        route.SetMtu(left.Index, 1400);
        route.SetHardwareAddress(left.Index, [2, 0, 0, 0, 0, 9]);
        route.Rename(left.Index, "eth0");
        route.SetUp(left.Index);
        route.SetUp(right.Index);
        left = route.FindLink("eth0");
        Assert.Equal(1400, left.Mtu);
        Assert.Equal(9, left.HardwareAddress[5]);

        var address = new NetworkAddress(left.Index, IPAddress.Parse("10.9.8.7"), 24);
        route.AddAddress(address);
        Assert.Contains(route.Addresses(), found => found.Address.Equals(address.Address) && found.PrefixLength == 24 && found.LinkIndex == left.Index);
        var again = Assert.Throws<SyscallException>(() => route.AddAddress(address));
        Assert.Equal(Errno.EEXIST, again.Errno);

        var viaGateway = new NetworkRoute(null, 0, IPAddress.Parse("10.9.8.1"), left.Index, Metric: 7);
        route.AddRoute(viaGateway);
        NetworkRoute found = Assert.Single(route.Routes(), entry => entry.Destination is null && !entry.IsV6 && entry.Table == 254 && entry.Type == 1);
        Assert.Equal(viaGateway.Gateway, found.Gateway);
        Assert.Equal(7u, found.Metric);
        route.ReplaceRoute(viaGateway with { Gateway = IPAddress.Parse("10.9.8.2") });
        Assert.Single(route.Routes(), entry => Equals(entry.Gateway, IPAddress.Parse("10.9.8.2")));
        route.DeleteRoute(found with { Gateway = IPAddress.Parse("10.9.8.2") });
        Assert.DoesNotContain(route.Routes(), entry => entry.Gateway is not null);

        route.SetNeighbor(new NetworkNeighbor(left.Index, IPAddress.Parse("10.9.8.1"), [2, 0, 0, 0, 0, 1]));
        NetworkNeighbor neighbor = Assert.Single(route.Neighbors(), entry => entry.Address.Equals(IPAddress.Parse("10.9.8.1")));
        Assert.Equal(0x80, neighbor.State);
        route.DeleteAddress(address);
        Assert.DoesNotContain(route.Addresses(), entry => entry.Address.Equals(address.Address));
        route.DeleteLink(left.Index);
        Assert.False(route.TryFindLink("right", out _));
    });

    [Fact]
    public void Interfaces_move_to_another_namespace() => InNewNamespace(route =>
    {
        using NamespaceFd here = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        InNewNamespace(there =>
        {
            there.CreateVeth("a", "b", here);
            Assert.Equal("veth", route.FindLink("b").Kind);
            there.MoveToNamespace(there.FindLink("a").Index, here, "c");
            Assert.False(there.TryFindLink("a", out _));
            Assert.True(route.TryFindLink("c", out _));
        });
    });

    [Fact]
    public void Macvlan_and_macvtap_are_made_on_a_parent() => InNewNamespace(route =>
    {
        route.CreateVeth("base", "other");
        int parent = route.FindLink("base").Index;
        try
        {
            route.CreateMacvlan("mv", parent, MacvlanMode.Bridge);
        }
        catch (SyscallException refused) when (refused.Errno == Errno.EOPNOTSUPP)
        {
            Assert.Skip("this kernel has no macvlan");
        }

        Assert.Equal("macvlan", route.FindLink("mv").Kind);
        Assert.Equal(parent, route.FindLink("mv").ParentIndex);
    });

    [Fact]
    public void Refusals_are_named() => InNewNamespace(route =>
    {
        var missing = Assert.Throws<SyscallException>(() => route.SetUp(4711));
        Assert.Equal(Errno.ENODEV, missing.Errno);
        Assert.Contains("set link 4711 up", missing.Message, StringComparison.Ordinal);
        Assert.Throws<SyscallException>(() => route.CreateVeth("a-name-longer-than-15", "b"));
        Assert.Equal(Errno.ENODEV, Assert.Throws<SyscallException>(() => route.FindLink("nowhere")).Errno);
    });

    [Fact]
    public void Tap_exists_while_it_is_open() => InNewNamespace(route =>
    {
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "no /dev/net/tun");
        using (NetworkDevices.OpenTap("tap%d", TapOptions.Tap | TapOptions.NoPacketInformation, out string name))
        {
            Assert.Equal("tap0", name);
            Assert.True(route.TryFindLink(name, out _));
        }

        Assert.False(route.TryFindLink("tap0", out _));
    });

    [Fact]
    public void Frames_that_arrive_at_one_interface_leave_by_the_other() => InNewNamespace(route =>
    {
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "no /dev/net/tun");
        using FileFd left = NetworkDevices.OpenTap("left", TapOptions.Tap | TapOptions.NoPacketInformation, out _);
        using FileFd right = NetworkDevices.OpenTap("right", TapOptions.Tap | TapOptions.NoPacketInformation, out _);
        int from = route.FindLink("left").Index;
        int to = route.FindLink("right").Index;
        foreach (string name in (string[])["left", "right"])
        {
            SmallFile.Write($"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "1");
            route.SetUp(route.FindLink(name).Index);
        }

        Assert.Empty(route.Redirections(from));
        route.AddIngress(from);
        Assert.Equal(Errno.EEXIST, Assert.Throws<SyscallException>(() => route.AddIngress(from)).Errno);
        route.Redirect(from, to, "caisson"u8);

        Redirection made = Assert.Single(route.Redirections(from));
        Assert.Equal(to, made.LinkIndex);
        Assert.Equal("caisson"u8, made.Cookie);
        byte[] frame = new byte[64];
        Array.Fill<byte>(frame, 0xFF, 0, 6);
        frame[12] = 0x88;
        frame[13] = 0xB5; // an EtherType for experiments (IEEE 802)
        left.WriteAll(frame);
        byte[] read = new byte[128];
        Assert.Equal(PollEvents.In, Poller.Wait(right, PollEvents.In, TimeSpan.FromSeconds(10)));
        Assert.Equal(frame.Length, right.Read(read));
        Assert.Equal(frame, read[..frame.Length]);

        route.DeleteIngress(from);
        Assert.Empty(route.Redirections(from));
    });

    [Fact]
    public void Rate_of_an_interface_is_bounded_until_the_bound_is_deleted() => InNewNamespace(route =>
    {
        route.CreateVeth("left", "right");
        int left = route.FindLink("left").Index;
        route.LimitRate(left, 8_000_000);
        route.LimitRate(left, 80_000_000_000); // more than the first field holds
        route.DeleteRateLimit(left);
        Assert.Throws<SyscallException>(() => route.DeleteRateLimit(left));
    });

    [Fact]
    public void Changes_are_heard_of() => InNewNamespace(route =>
    {
        using RouteMonitor monitor = RouteMonitor.Open();
        Assert.False(monitor.Drain());
        route.CreateVeth("left", "right");
        Assert.Equal(PollEvents.In, Poller.Wait(monitor.Descriptor, PollEvents.In, TimeSpan.FromSeconds(10)));
        Assert.True(monitor.Drain());
        Assert.False(monitor.Drain());
    });

    [Fact]
    public void Work_in_another_network_namespace_leaves_the_thread_in_its_own() => InNewNamespace(route =>
    {
        using NamespaceFd here = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        InNewNamespace(there =>
        {
            there.CreateVeth("far", "end");
            using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
            Assert.False(NamespaceCalls.InNetwork(here, () =>
            {
                using RouteSocket inside = RouteSocket.Open();
                return inside.TryFindLink("far", out _);
            }));
            Assert.Throws<InvalidOperationException>(() => NamespaceCalls.InNetwork<int>(here, () => throw new InvalidOperationException()));
            using NamespaceFd after = NamespaceFd.OfThisThread(NamespaceKinds.Network);
            Assert.True(NamespaceCalls.AreSame(own, after));
        });
        Assert.False(route.TryFindLink("far", out _));
    });

    private static void InNewNamespace(Action<RouteSocket> test) => Scratch.OnThread(() =>
    {
        NamespaceCalls.Unshare(NamespaceKinds.Network);
        using RouteSocket route = RouteSocket.Open();
        test(route);
    });
}
