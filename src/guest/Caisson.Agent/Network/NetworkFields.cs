using System.Globalization;
using System.Net.Sockets;
using Caisson.Linux;
using Caisson.Protocol;
using IPAddress = System.Net.IPAddress;

namespace Caisson.Agent;

/// <summary>How an interface shall look.</summary>
internal sealed record InterfaceWish(string Name, byte[] HardwareAddress, int Mtu, IReadOnlyList<NetworkAddress> Addresses);

/// <summary>What the host says about the network, checked: names become paths here, and texts become addresses.</summary>
internal static class NetworkFields
{
    private const int MaxNameChars = 15;        // IFNAMSIZ with its NUL is 16
    private const int HardwareBytes = 6;        // Ethernet
    private const int MaxAddresses = 256;       // own limit
    private const ulong LeastMtu = 68;          // RFC 791: what every link must carry
    private const ulong MaxMtu = 65535;         // ETH_MAX_MTU of linux/if_ether.h
    private const byte WithoutDetection = 2;    // IFA_F_NODAD: the host has seen to it that the address is the pod's own

    internal static InterfaceWish Wish(Interface? wire)
    {
        if (wire is null)
        {
            throw Refusal.Invalid("interface: missing");
        }

        if (wire.IpAddresses.Count > MaxAddresses)
        {
            throw Refusal.Limit($"interface {wire.Name}: {wire.IpAddresses.Count} addresses; at most {MaxAddresses} are taken");
        }

        if (wire.Mtu is not 0 and (< LeastMtu or > MaxMtu))
        {
            throw Refusal.Invalid($"interface {wire.Name}: mtu {wire.Mtu}: {LeastMtu} to {MaxMtu} are possible");
        }

        var addresses = new List<NetworkAddress>();
        foreach (Protocol.IPAddress address in wire.IpAddresses)
        {
            IPAddress parsed = Address(address.Address);
            addresses.Add(new NetworkAddress(0, parsed, Prefix(address.Mask, parsed), Flags: WithoutDetection));
        }

        return new InterfaceWish(Name(wire.Name), Hardware(wire.HwAddr), (int)wire.Mtu, addresses);
    }

    internal static NetworkRoute Route(Route wire, int link)
    {
        IPAddress? destination = null;
        byte prefix = 0;
        if (wire.Dest.Length > 0)
        {
            int slash = wire.Dest.IndexOf('/', StringComparison.Ordinal);
            destination = Address(slash < 0 ? wire.Dest : wire.Dest[..slash]);
            prefix = Prefix(slash < 0 ? "" : wire.Dest[(slash + 1)..], destination);
        }

        IPAddress? gateway = wire.Gateway.Length > 0 ? Address(wire.Gateway) : null;
        bool isV6 = (destination ?? gateway)?.AddressFamily == AddressFamily.InterNetworkV6 || wire.Family == IPFamily.V6;
        return new NetworkRoute(
            prefix == 0 ? null : destination,
            prefix,
            gateway,
            link,
            wire.Source.Length > 0 ? Address(wire.Source) : null,
            wire.Metric,
            checked((byte)Math.Min(wire.Scope, byte.MaxValue)),
            IsV6: isV6,
            Flags: wire.Flags & GuestRoutes.OnLink);
    }

    internal static IPAddress Address(string text) =>
        IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
            ? address
            : throw Refusal.Invalid($"\"{text}\" is no address");

    internal static byte[] Hardware(string text)
    {
        byte[] address = new byte[HardwareBytes];
        string[] parts = text.Split(':');
        bool isGood = parts.Length == HardwareBytes;
        for (int i = 0; isGood && i < HardwareBytes; i++)
        {
            isGood = parts[i].Length == 2 && byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address[i]);
        }

        return isGood ? address : throw Refusal.Invalid($"\"{text}\" is no hardware address of Ethernet");
    }

    internal static string Text(ReadOnlySpan<byte> hardware)
    {
        var text = new System.Text.StringBuilder();
        foreach (byte one in hardware)
        {
            text.Append(text.Length > 0 ? ":" : "").Append(one.ToString("x2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    internal static IPFamily FamilyOf(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? IPFamily.V6 : IPFamily.V4;

    private static byte Prefix(string text, IPAddress address)
    {
        int most = address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
        if (text.Length == 0)
        {
            return (byte)most;
        }

        return byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out byte length) && length <= most
            ? length
            : throw Refusal.Invalid($"\"{text}\" is no length of a prefix of {address}");
    }

    // dev_valid_name() of the kernel, and only what can be read.
    private static string Name(string name) =>
        name.Length is > 0 and <= MaxNameChars && name is not ("." or ".." or "lo") && !name.AsSpan().ContainsAnyExceptInRange('!', '~')
            && !name.AsSpan().ContainsAny('/', ':', '%')
            ? name
            : throw Refusal.Invalid($"interface name \"{name}\": 1 to {MaxNameChars} printable characters without / : and %, and not lo");
}
