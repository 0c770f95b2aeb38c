using Caisson.Agent;
using Caisson.Linux;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Agent;

public sealed class NetworkFieldsTests
{
    [Fact]
    public void Interface_is_read_with_its_addresses()
    {
        InterfaceWish wish = NetworkFields.Wish(new Interface
        {
            Name = "eth0",
            HwAddr = "02:00:00:00:00:fE",
            Mtu = 1400,
            IpAddresses =
            {
                new Caisson.Protocol.IPAddress { Address = "10.0.0.2", Mask = "24" },
                new Caisson.Protocol.IPAddress { Family = IPFamily.V6, Address = "fd00::2", Mask = "" },
            },
        });

        Assert.Equal(("eth0", 1400, 0xFE), (wish.Name, wish.Mtu, wish.HardwareAddress[5]));
        Assert.Equal(
            [(System.Net.IPAddress.Parse("10.0.0.2"), (byte)24), (System.Net.IPAddress.Parse("fd00::2"), (byte)128)],
            wish.Addresses.Select(static address => (address.Address, address.PrefixLength)));
    }

    [Theory]
    [InlineData("", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("..", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("lo", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("a/b", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("tap%d", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("name-of-16-chars", "02:00:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:01", 0, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:00:0g", 0, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:00:1", 0, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:00:01", 67, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:00:01", 65536, "10.0.0.1", "24")]
    [InlineData("eth0", "02:00:00:00:00:01", 0, "10.0.0.256", "24")]
    [InlineData("eth0", "02:00:00:00:00:01", 0, "10.0.0.1", "33")]
    [InlineData("eth0", "02:00:00:00:00:01", 0, "fd00::1", "129")]
    [InlineData("eth0", "02:00:00:00:00:01", 0, "10.0.0.1", "255.255.255.0")]
    public void Interface_that_cannot_be_is_refused(string name, string hardware, ulong mtu, string address, string mask)
    {
        var wire = new Interface { Name = name, HwAddr = hardware, Mtu = mtu, IpAddresses = { new Caisson.Protocol.IPAddress { Address = address, Mask = mask } } };

        Assert.Equal(TtrpcCode.InvalidArgument, Assert.Throws<TtrpcException>(() => NetworkFields.Wish(wire)).Code);
    }

    [Fact]
    public void Routes_are_read_in_both_families()
    {
        NetworkRoute byDefault = NetworkFields.Route(new Route { Gateway = "fe80::1", Family = IPFamily.V6 }, 3);
        NetworkRoute onLink = NetworkFields.Route(new Route { Dest = "10.1.0.0/16", Scope = 253, Source = "10.0.0.2", Metric = 5, Flags = 4 | 16 }, 3);

        Assert.True(byDefault is { Destination: null, PrefixLength: 0, IsV6: true, LinkIndex: 3 });
        Assert.Equal(
            new NetworkRoute(System.Net.IPAddress.Parse("10.1.0.0"), 16, null, 3, System.Net.IPAddress.Parse("10.0.0.2"), 5, 253, Flags: 4), onLink);
        Assert.Throws<TtrpcException>(() => NetworkFields.Route(new Route { Dest = "10.1.0.0/x" }, 3));
    }
}
