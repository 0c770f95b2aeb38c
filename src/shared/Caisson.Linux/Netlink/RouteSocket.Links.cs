using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Caisson.Linux;

public sealed partial class RouteSocket
{
    // linux/rtnetlink.h, linux/if_link.h, linux/veth.h
    private const ushort NewLink = 16;
    private const ushort DelLink = 17;
    private const ushort GetLink = 18;
    private const int LinkFixedBytes = 16; // struct ifinfomsg
    private const ushort LinkAddress = 1;
    private const ushort LinkName = 3;
    private const ushort LinkMtu = 4;
    private const ushort LinkParent = 5;
    private const ushort LinkMaster = 10;
    private const ushort LinkDetails = 18;
    private const ushort LinkNamespace = 28;
    private const ushort DetailKind = 1;
    private const ushort DetailData = 2;
    private const ushort VethPeer = 1;
    private const ushort MacvlanModeAttribute = 1;
    private const uint FlagUp = 1;
    private const int MaxNameBytes = 15; // IFNAMSIZ with its NUL is 16

    private const NetlinkFlags Change = NetlinkFlags.Request | NetlinkFlags.Acknowledge;
    private const NetlinkFlags Make = Change | NetlinkFlags.Create | NetlinkFlags.Exclusive;

    /// <summary>All interfaces.</summary>
    public IReadOnlyList<NetworkLink> Links()
    {
        var links = new List<NetworkLink>();
        Dump(GetLink, LinkFixedBytes, "list links", links.Clear, (type, payload) =>
        {
            if (type == NewLink && payload.Length >= LinkFixedBytes)
            {
                links.Add(ParseLink(payload));
            }
        });
        return links;
    }

    /// <summary>Looks for an interface by name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="link">The interface.</param>
    public bool TryFindLink(string name, [NotNullWhen(true)] out NetworkLink? link)
    {
        link = null;
        foreach (NetworkLink candidate in Links())
        {
            link = candidate.Name == name ? candidate : link;
        }

        return link is not null;
    }

    /// <summary>The interface of that name.</summary>
    /// <param name="name">The name.</param>
    public NetworkLink FindLink(string name) =>
        TryFindLink(name, out NetworkLink? link) ? link : throw new SyscallException($"rtnetlink find link {name}", Errno.ENODEV);

    /// <summary>Brings an interface up.</summary>
    /// <param name="index">Its index.</param>
    public void SetUp(int index) => SetFlags(index, FlagUp, $"set link {index} up");

    /// <summary>Takes an interface down.</summary>
    /// <param name="index">Its index.</param>
    public void SetDown(int index) => SetFlags(index, 0, $"set link {index} down");

    /// <summary>Renames an interface, which must be down.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="name">At most 15 bytes.</param>
    public void Rename(int index, string name)
    {
        NetlinkMessage message = OfLink(NewLink, Change, index);
        message.Attribute(LinkName, CheckedName(name));
        Request(ref message, $"rename link {index} to {name}");
    }

    /// <summary>Sets the greatest packet.</summary>
    /// <param name="index">The interface's index.</param>
    /// <param name="mtu">Bytes.</param>
    public void SetMtu(int index, int mtu)
    {
        NetlinkMessage message = OfLink(NewLink, Change, index);
        message.Attribute(LinkMtu, mtu);
        Request(ref message, $"set mtu {mtu} of link {index}");
    }

    /// <summary>Sets the hardware address.</summary>
    /// <param name="index">The interface's index.</param>
    /// <param name="address">Six bytes for Ethernet.</param>
    public void SetHardwareAddress(int index, ReadOnlySpan<byte> address)
    {
        NetlinkMessage message = OfLink(NewLink, Change, index);
        message.Attribute(LinkAddress, address);
        Request(ref message, $"set hardware address of link {index}");
    }

    /// <summary>Moves an interface into another network namespace, and gives it a new name there where one is given.</summary>
    /// <param name="index">Its index here.</param>
    /// <param name="target">The namespace.</param>
    /// <param name="name">Its name there; null keeps it.</param>
    public void MoveToNamespace(int index, NamespaceFd target, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        NetlinkMessage message = OfLink(NewLink, Change, index);
        message.Attribute(LinkNamespace, target.Number);
        if (name is not null)
        {
            message.Attribute(LinkName, CheckedName(name));
        }

        Request(ref message, $"move link {index} to another namespace");
    }

    /// <summary>Deletes an interface.</summary>
    /// <param name="index">Its index.</param>
    public void DeleteLink(int index)
    {
        NetlinkMessage message = OfLink(DelLink, Change, index);
        Request(ref message, $"delete link {index}");
    }

    /// <summary>Makes a veth pair.</summary>
    /// <param name="name">The name of the end here.</param>
    /// <param name="peer">The name of the other end.</param>
    /// <param name="peerNamespace">Where the other end goes; null for here.</param>
    public void CreateVeth(string name, string peer, NamespaceFd? peerNamespace = null)
    {
        NetlinkMessage message = OfLink(NewLink, Make, 0);
        message.Attribute(LinkName, CheckedName(name));
        int details = message.Begin(LinkDetails);
        message.Attribute(DetailKind, "veth");
        int data = message.Begin(DetailData);
        int other = message.Begin(VethPeer);
        PutLink(ref message, 0, 0, 0);
        message.Attribute(LinkName, CheckedName(peer));
        if (peerNamespace is not null)
        {
            message.Attribute(LinkNamespace, peerNamespace.Number);
        }

        message.End(other);
        message.End(data);
        message.End(details);
        Request(ref message, $"create veth {name} with {peer}");
    }

    /// <summary>Makes a macvlan interface.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parent">The index of the interface below it.</param>
    /// <param name="mode">How it talks to its siblings.</param>
    public void CreateMacvlan(string name, int parent, MacvlanMode mode) => CreateOnParent("macvlan", name, parent, mode);

    /// <summary>Makes a macvtap interface, whose packets are read and written at /dev/tapN with its index.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parent">The index of the interface below it.</param>
    /// <param name="mode">How it talks to its siblings.</param>
    public void CreateMacvtap(string name, int parent, MacvlanMode mode) => CreateOnParent("macvtap", name, parent, mode);

    private void CreateOnParent(string kind, string name, int parent, MacvlanMode mode)
    {
        NetlinkMessage message = OfLink(NewLink, Make, 0);
        message.Attribute(LinkName, CheckedName(name));
        message.Attribute(LinkParent, parent);
        int details = message.Begin(LinkDetails);
        message.Attribute(DetailKind, kind);
        int data = message.Begin(DetailData);
        message.Attribute(MacvlanModeAttribute, (int)mode);
        message.End(data);
        message.End(details);
        Request(ref message, $"create {kind} {name} on link {parent}");
    }

    private void SetFlags(int index, uint flags, string what)
    {
        var message = new NetlinkMessage(NewLink, Change);
        PutLink(ref message, index, flags, FlagUp);
        Request(ref message, what);
    }

    private static NetlinkMessage OfLink(ushort type, NetlinkFlags flags, int index)
    {
        var message = new NetlinkMessage(type, flags);
        PutLink(ref message, index, 0, 0);
        return message;
    }

    private static void PutLink(ref NetlinkMessage message, int index, uint flags, uint changed)
    {
        message.Put(0u); // family, padding, type
        message.Put(index);
        message.Put(flags);
        message.Put(changed);
    }

    private static string CheckedName(string name)
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(name);
        return length is > 0 and <= MaxNameBytes
            ? name
            : throw new SyscallException($"interface name \"{name}\": 1 to {MaxNameBytes} bytes", Errno.EINVAL);
    }

    private static NetworkLink ParseLink(ReadOnlySpan<byte> payload)
    {
        string name = "";
        string kind = "";
        int mtu = 0;
        int parent = 0;
        int master = 0;
        byte[] hardware = [];
        var attribute = new NetlinkAttributes(payload[LinkFixedBytes..]);
        while (attribute.Next())
        {
            switch (attribute.Type)
            {
                case LinkName: name = attribute.Text; break;
                case LinkMtu: mtu = attribute.Number; break;
                case LinkParent: parent = attribute.Number; break;
                case LinkMaster: master = attribute.Number; break;
                case LinkAddress: hardware = attribute.Value.ToArray(); break;
                case LinkDetails: kind = KindOf(attribute.Value); break;
                default: break;
            }
        }

        return new NetworkLink(
            BinaryPrimitives.ReadInt32LittleEndian(payload[4..]),
            name,
            BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]),
            BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]),
            mtu,
            hardware,
            kind,
            parent,
            master);
    }

    private static string KindOf(ReadOnlySpan<byte> details)
    {
        var attribute = new NetlinkAttributes(details);
        while (attribute.Next())
        {
            if (attribute.Type == DetailKind)
            {
                return attribute.Text;
            }
        }

        return "";
    }
}
