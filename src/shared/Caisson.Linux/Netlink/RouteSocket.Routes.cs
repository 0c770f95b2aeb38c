using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Caisson.Linux;

public sealed partial class RouteSocket
{
    // linux/rtnetlink.h
    private const ushort NewRoute = 24;
    private const ushort DelRoute = 25;
    private const ushort GetRoute = 26;
    private const int RouteFixedBytes = 12; // struct rtmsg
    private const ushort RouteDestination = 1;
    private const ushort RouteLink = 4;
    private const ushort RouteGateway = 5;
    private const ushort RouteMetric = 6;
    private const ushort RouteSource = 7;
    private const ushort RouteTable = 15;

    /// <summary>All routes of all tables.</summary>
    public IReadOnlyList<NetworkRoute> Routes()
    {
        var routes = new List<NetworkRoute>();
        Dump(GetRoute, RouteFixedBytes, "list routes", routes.Clear, (type, payload) =>
        {
            if (type == NewRoute && payload.Length >= RouteFixedBytes)
            {
                routes.Add(ParseRoute(payload));
            }
        });
        return routes;
    }

    /// <summary>Adds a route; EEXIST where there is one to that network.</summary>
    /// <param name="route">The route.</param>
    public void AddRoute(NetworkRoute route) => SendRoute(NewRoute, Make, route, "add");

    /// <summary>Adds a route, in the place of the one to that network where there is one.</summary>
    /// <param name="route">The route.</param>
    public void ReplaceRoute(NetworkRoute route) => SendRoute(NewRoute, Change | NetlinkFlags.Create | NetlinkFlags.Replace, route, "replace");

    /// <summary>Deletes a route.</summary>
    /// <param name="route">The route.</param>
    public void DeleteRoute(NetworkRoute route) => SendRoute(DelRoute, Change, route, "delete");

    private void SendRoute(ushort type, NetlinkFlags flags, NetworkRoute route, string verb)
    {
        ArgumentNullException.ThrowIfNull(route);
        const uint LargestShortTable = 255;
        bool v6 = route.IsV6 || (route.Destination ?? route.Gateway)?.AddressFamily == AddressFamily.InterNetworkV6;
        var message = new NetlinkMessage(type, flags);
        message.Put(v6 ? FamilyV6 : FamilyV4);
        message.Put(route.PrefixLength);
        message.Put((ushort)0); // source length, type of service
        message.Put(route.Table <= LargestShortTable ? (byte)route.Table : (byte)0);
        message.Put(route.Protocol);
        message.Put(route.Scope);
        message.Put(route.Type);
        message.Put(route.Flags);
        PutAddress(ref message, RouteDestination, route.Destination);
        PutAddress(ref message, RouteGateway, route.Gateway);
        PutAddress(ref message, RouteSource, route.Source);
        PutNumber(ref message, RouteLink, (uint)route.LinkIndex);
        PutNumber(ref message, RouteMetric, route.Metric);
        PutNumber(ref message, RouteTable, route.Table);
        Request(ref message, $"{verb} route {route.Destination?.ToString() ?? "default"}/{route.PrefixLength} by {route.Gateway?.ToString() ?? "link"} on link {route.LinkIndex}");
    }

    private static void PutAddress(ref NetlinkMessage message, ushort type, IPAddress? address)
    {
        if (address is not null)
        {
            message.Attribute(type, address.GetAddressBytes());
        }
    }

    private static void PutNumber(ref NetlinkMessage message, ushort type, uint number)
    {
        if (number != 0)
        {
            message.Attribute(type, (int)number);
        }
    }

    private static NetworkRoute ParseRoute(ReadOnlySpan<byte> payload)
    {
        var route = new NetworkRoute(
            null,
            payload[1],
            null,
            0,
            Scope: payload[6],
            Table: payload[4],
            Protocol: payload[5],
            Type: payload[7],
            IsV6: payload[0] == FamilyV6,
            Flags: BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]));
        var attribute = new NetlinkAttributes(payload[RouteFixedBytes..]);
        while (attribute.Next())
        {
            route = attribute.Type switch
            {
                RouteDestination => route with { Destination = ToAddress(attribute.Value) },
                RouteGateway => route with { Gateway = ToAddress(attribute.Value) },
                RouteSource => route with { Source = ToAddress(attribute.Value) },
                RouteLink => route with { LinkIndex = attribute.Number },
                RouteMetric => route with { Metric = (uint)attribute.Number },
                RouteTable => route with { Table = (uint)attribute.Number },
                _ => route,
            };
        }

        return route;
    }
}
