using System.Net;

namespace Caisson.Linux;

/// <summary>A network interface.</summary>
/// <param name="Index">Its index in its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Type">ARPHRD_*: 1 is Ethernet, 772 loopback.</param>
/// <param name="Flags">IFF_*.</param>
/// <param name="Mtu">The greatest packet.</param>
/// <param name="HardwareAddress">Its address; empty where it has none.</param>
/// <param name="Kind">What a driver without hardware calls it, such as veth; empty for hardware.</param>
/// <param name="ParentIndex">The interface below it, or the other end of a veth pair; 0 for none.</param>
/// <param name="MasterIndex">The bridge or bond that it is a port of; 0 for none.</param>
public sealed record NetworkLink(
    int Index, string Name, ushort Type, uint Flags, int Mtu, byte[] HardwareAddress, string Kind, int ParentIndex, int MasterIndex = 0)
{
    private const uint FlagUp = 1;
    private const uint FlagLoopback = 8;
    private const ushort EthernetType = 1; // ARPHRD_ETHER of linux/if_arp.h

    /// <summary>Whether it carries frames of Ethernet.</summary>
    public bool IsEthernet => Type == EthernetType;

    /// <summary>Whether it is up.</summary>
    public bool IsUp => (Flags & FlagUp) != 0;

    /// <summary>Whether it is the loopback interface.</summary>
    public bool IsLoopback => (Flags & FlagLoopback) != 0;
}

/// <summary>An address of an interface.</summary>
/// <param name="LinkIndex">The interface.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">How many bits name the network.</param>
/// <param name="Scope">RT_SCOPE_*: 0 is global, 253 link, 254 host.</param>
/// <param name="Flags">IFA_F_*.</param>
public sealed record NetworkAddress(int LinkIndex, IPAddress Address, byte PrefixLength, byte Scope = 0, byte Flags = 0);

/// <summary>A route.</summary>
/// <param name="Destination">The network; null for the default route.</param>
/// <param name="PrefixLength">How many bits name it.</param>
/// <param name="Gateway">The next hop; null where the network is on the link.</param>
/// <param name="LinkIndex">The interface; 0 where the gateway decides.</param>
/// <param name="Source">The preferred source address.</param>
/// <param name="Metric">The lower, the better; 0 for the kernel's default.</param>
/// <param name="Scope">RT_SCOPE_*: 0 is global, 253 link, 254 host.</param>
/// <param name="Table">RT_TABLE_*: 254 is the main table, 255 the local one.</param>
/// <param name="Protocol">RTPROT_*: 2 is the kernel's own, 3 boot, 4 static.</param>
/// <param name="Type">RTN_*: 1 is unicast.</param>
/// <param name="IsV6">The family, where neither destination nor gateway tells.</param>
/// <param name="Flags">RTNH_F_*: 4 is onlink.</param>
public sealed record NetworkRoute(
    IPAddress? Destination,
    byte PrefixLength,
    IPAddress? Gateway,
    int LinkIndex,
    IPAddress? Source = null,
    uint Metric = 0,
    byte Scope = 0,
    uint Table = 254,
    byte Protocol = 3,
    byte Type = 1,
    bool IsV6 = false,
    uint Flags = 0);

/// <summary>An entry of the neighbour (ARP) table.</summary>
/// <param name="LinkIndex">The interface.</param>
/// <param name="Address">The address.</param>
/// <param name="HardwareAddress">Where it is on the link.</param>
/// <param name="State">NUD_*: 0x80 is permanent.</param>
/// <param name="Flags">NTF_*.</param>
public sealed record NetworkNeighbor(int LinkIndex, IPAddress Address, byte[] HardwareAddress, ushort State = 0x80, byte Flags = 0);

/// <summary>What becomes of packets that arrive at an interface: they leave by another.</summary>
/// <param name="LinkIndex">The other interface.</param>
/// <param name="Cookie">What the one who made it left with it.</param>
public sealed record Redirection(int LinkIndex, byte[] Cookie);

/// <summary>How a macvlan interface talks to its siblings.</summary>
public enum MacvlanMode
{
    /// <summary>Not at all.</summary>
    Private = 1,

    /// <summary>By the switch outside.</summary>
    Vepa = 2,

    /// <summary>Directly.</summary>
    Bridge = 4,

    /// <summary>There are none: it takes the parent's place.</summary>
    PassThrough = 8,
}
