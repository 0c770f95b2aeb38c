using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Caisson.Linux;

public sealed partial class RouteSocket
{
    // linux/rtnetlink.h, linux/if_addr.h, linux/neighbour.h
    private const ushort NewAddress = 20;
    private const ushort DelAddress = 21;
    private const ushort GetAddress = 22;
    private const ushort NewNeighbor = 28;
    private const ushort GetNeighbor = 30;
    private const int AddressFixedBytes = 8; // struct ifaddrmsg
    private const int NeighborFixedBytes = 12; // struct ndmsg
    private const ushort AddressOfPeer = 1;
    private const ushort AddressLocal = 2;
    private const ushort AddressBroadcast = 4;
    private const ushort NeighborAddress = 1;
    private const ushort NeighborHardware = 2;
    private const byte FamilyV4 = 2;
    private const byte FamilyV6 = 10;

    /// <summary>All addresses of all interfaces.</summary>
    public IReadOnlyList<NetworkAddress> Addresses()
    {
        var addresses = new List<NetworkAddress>();
        Dump(GetAddress, AddressFixedBytes, "list addresses", addresses.Clear, (type, payload) =>
        {
            if (type == NewAddress && payload.Length >= AddressFixedBytes && ParseAddress(payload) is { } address)
            {
                addresses.Add(address);
            }
        });
        return addresses;
    }

    /// <summary>Gives an interface an address. An IPv4 network of less than 31 bits gets its broadcast address too.</summary>
    /// <param name="address">The address.</param>
    public void AddAddress(NetworkAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        NetlinkMessage message = OfAddress(NewAddress, Make, address);
        byte[] bytes = address.Address.GetAddressBytes();
        if (bytes.Length == 4 && address.PrefixLength < 31)
        {
            uint host = address.PrefixLength == 0 ? uint.MaxValue : uint.MaxValue >> address.PrefixLength;
            BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) | host);
            message.Attribute(AddressBroadcast, bytes);
        }

        Request(ref message, $"add address {address.Address}/{address.PrefixLength} to link {address.LinkIndex}");
    }

    /// <summary>Takes an address away.</summary>
    /// <param name="address">The address.</param>
    public void DeleteAddress(NetworkAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        NetlinkMessage message = OfAddress(DelAddress, Change, address);
        Request(ref message, $"delete address {address.Address}/{address.PrefixLength} from link {address.LinkIndex}");
    }

    /// <summary>The neighbour tables.</summary>
    public IReadOnlyList<NetworkNeighbor> Neighbors()
    {
        var neighbors = new List<NetworkNeighbor>();
        Dump(GetNeighbor, NeighborFixedBytes, "list neighbours", neighbors.Clear, (type, payload) =>
        {
            if (type == NewNeighbor && payload.Length >= NeighborFixedBytes && ParseNeighbor(payload) is { } neighbor)
            {
                neighbors.Add(neighbor);
            }
        });
        return neighbors;
    }

    /// <summary>Adds or replaces an entry of the neighbour table.</summary>
    /// <param name="neighbor">The entry.</param>
    public void SetNeighbor(NetworkNeighbor neighbor)
    {
        ArgumentNullException.ThrowIfNull(neighbor);
        var message = new NetlinkMessage(NewNeighbor, Change | NetlinkFlags.Create | NetlinkFlags.Replace);
        message.Put((uint)FamilyOf(neighbor.Address));
        message.Put(neighbor.LinkIndex);
        message.Put(neighbor.State);
        message.Put(neighbor.Flags);
        message.Put((byte)0);
        message.Attribute(NeighborAddress, neighbor.Address.GetAddressBytes());
        message.Attribute(NeighborHardware, neighbor.HardwareAddress);
        Request(ref message, $"set neighbour {neighbor.Address} of link {neighbor.LinkIndex}");
    }

    private static NetlinkMessage OfAddress(ushort type, NetlinkFlags flags, NetworkAddress address)
    {
        var message = new NetlinkMessage(type, flags);
        message.Put(FamilyOf(address.Address));
        message.Put(address.PrefixLength);
        message.Put(address.Flags);
        message.Put(address.Scope);
        message.Put(address.LinkIndex);
        byte[] bytes = address.Address.GetAddressBytes();
        message.Attribute(AddressLocal, bytes);
        message.Attribute(AddressOfPeer, bytes);
        return message;
    }

    private static byte FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? FamilyV6 : FamilyV4;

    private static IPAddress? ToAddress(ReadOnlySpan<byte> bytes) => bytes.Length is 4 or 16 ? new IPAddress(bytes) : null;

    // On a point-to-point link the peer's address is beside the own one, and then IFA_LOCAL is the own.
    private static NetworkAddress? ParseAddress(ReadOnlySpan<byte> payload)
    {
        IPAddress? own = null;
        IPAddress? peer = null;
        var attribute = new NetlinkAttributes(payload[AddressFixedBytes..]);
        while (attribute.Next())
        {
            own = attribute.Type == AddressLocal ? ToAddress(attribute.Value) : own;
            peer = attribute.Type == AddressOfPeer ? ToAddress(attribute.Value) : peer;
        }

        return (own ?? peer) is { } address
            ? new NetworkAddress(BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), address, payload[1], payload[3], payload[2])
            : null;
    }

    private static NetworkNeighbor? ParseNeighbor(ReadOnlySpan<byte> payload)
    {
        IPAddress? address = null;
        byte[] hardware = [];
        var attribute = new NetlinkAttributes(payload[NeighborFixedBytes..]);
        while (attribute.Next())
        {
            address = attribute.Type == NeighborAddress ? ToAddress(attribute.Value) : address;
            hardware = attribute.Type == NeighborHardware ? attribute.Value.ToArray() : hardware;
        }

        return address is null
            ? null
            : new NetworkNeighbor(
                BinaryPrimitives.ReadInt32LittleEndian(payload[4..]),
                address,
                hardware,
                BinaryPrimitives.ReadUInt16LittleEndian(payload[8..]),
                payload[10]);
    }
}
