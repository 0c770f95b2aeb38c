using System.Buffers.Binary;

namespace Caisson.Linux;

/// <content>Traffic control: what becomes of packets as they enter or leave an interface.</content>
public sealed partial class RouteSocket
{
    // linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h
    private const ushort NewQdisc = 36;
    private const ushort DelQdisc = 37;
    private const ushort NewFilter = 44;
    private const ushort GetFilter = 46;
    private const int TrafficFixedBytes = 20; // struct tcmsg
    private const ushort TrafficKind = 1;
    private const ushort TrafficOptions = 2;
    private const uint IngressParent = 0xFFFF_FFF1; // TC_H_INGRESS
    private const uint IngressHandle = 0xFFFF_0000;
    private const uint RootParent = 0xFFFF_FFFF; // TC_H_ROOT
    private const ushort U32Selector = 5;
    private const ushort U32Actions = 7;
    private const ushort FirstAction = 1;
    private const ushort ActionKind = 1;
    private const ushort ActionOptions = 2;
    private const ushort ActionCookie = 6;
    private const ushort MirredParameters = 2;
    private const int MirredBytes = 28; // struct tc_mirred
    private const ushort TbfParameters = 1;
    private const ushort TbfRate64 = 4;
    private const ushort TbfBurst = 6;

    /// <summary>The most that the kernel keeps with an action for the one who made it (TC_COOKIE_MAX_SIZE).</summary>
    public const int MaxCookieBytes = 16;

    /// <summary>Gives an interface a place for filters of arriving packets; EEXIST where it has one.</summary>
    /// <param name="link">The interface's index.</param>
    public void AddIngress(int link)
    {
        NetlinkMessage message = OfTraffic(NewQdisc, Make, link, IngressHandle, IngressParent, 0);
        message.Attribute(TrafficKind, "ingress");
        Request(ref message, $"add qdisc ingress to link {link} (the kernel needs CONFIG_NET_SCH_INGRESS)");
    }

    /// <summary>Takes that place away with all filters in it.</summary>
    /// <param name="link">The interface's index.</param>
    public void DeleteIngress(int link)
    {
        NetlinkMessage message = OfTraffic(DelQdisc, Change, link, IngressHandle, IngressParent, 0);
        message.Attribute(TrafficKind, "ingress");
        Request(ref message, $"delete qdisc ingress of link {link}");
    }

    /// <summary>Lets every packet that arrives at one interface leave by another; the first never sees it itself.</summary>
    /// <param name="from">The interface with <see cref="AddIngress"/>.</param>
    /// <param name="to">The other interface.</param>
    /// <param name="cookie">Told again by <see cref="Redirections"/>; at most <see cref="MaxCookieBytes"/>.</param>
    public void Redirect(int from, int to, ReadOnlySpan<byte> cookie)
    {
        const uint First = 1u << 16;
        const uint AnyProtocol = 0x0300; // ETH_P_ALL in network order
        const int Stolen = 4; // TC_ACT_STOLEN
        const int LeaveBy = 1; // TCA_EGRESS_REDIR
        NetlinkMessage message = OfTraffic(NewFilter, Make, from, 0, IngressHandle, First | AnyProtocol);
        message.Attribute(TrafficKind, "u32");
        int options = message.Begin(TrafficOptions);

        // One key that matches everything: a mask of nothing. struct tc_u32_sel, terminal, and one struct tc_u32_key.
        message.Attribute(U32Selector, [1, 0, 1, 0, .. new byte[12], .. new byte[16]]);
        int actions = message.Begin(U32Actions);
        int action = message.Begin(FirstAction);
        message.Attribute(ActionKind, "mirred");
        int mirred = message.Begin(ActionOptions);
        Span<byte> parameters = stackalloc byte[MirredBytes];
        parameters.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(parameters[8..], Stolen);
        BinaryPrimitives.WriteInt32LittleEndian(parameters[20..], LeaveBy);
        BinaryPrimitives.WriteInt32LittleEndian(parameters[24..], to);
        message.Attribute(MirredParameters, parameters);
        message.End(mirred);
        message.Attribute(ActionCookie, cookie);
        message.End(action);
        message.End(actions);
        message.End(options);
        Request(ref message, $"redirect link {from} to link {to} (the kernel needs CONFIG_NET_CLS_U32 and CONFIG_NET_ACT_MIRRED)");
    }

    /// <summary>The redirections of packets that arrive at an interface.</summary>
    /// <param name="link">The interface's index.</param>
    public IReadOnlyList<Redirection> Redirections(int link)
    {
        var redirections = new List<Redirection>();
        NetlinkMessage message = OfTraffic(GetFilter, NetlinkFlags.Request | NetlinkFlags.Dump, link, 0, IngressHandle, 0);
        Dump(ref message, "list filters", redirections.Clear, (type, payload) =>
        {
            if (type == NewFilter && payload.Length >= TrafficFixedBytes && ParseRedirection(payload) is { } redirection)
            {
                redirections.Add(redirection);
            }
        });
        return redirections;
    }

    /// <summary>Whether anything is done with packets that arrive at an interface.</summary>
    /// <param name="link">The interface's index.</param>
    public bool HasIngressFilters(int link)
    {
        bool any = false;
        NetlinkMessage message = OfTraffic(GetFilter, NetlinkFlags.Request | NetlinkFlags.Dump, link, 0, IngressHandle, 0);
        Dump(ref message, "list filters", () => any = false, (type, _) => any |= type == NewFilter);
        return any;
    }

    /// <summary>Bounds how fast packets leave by an interface: a token bucket in the place of its queue.</summary>
    /// <param name="link">The interface's index.</param>
    /// <param name="bitsPerSecond">The bound.</param>
    public void LimitRate(int link, ulong bitsPerSecond)
    {
        const int ParametersBytes = 36; // struct tc_tbf_qopt
        const ulong BucketsPerSecond = 100; // ten milliseconds' worth at once
        const ulong LeastBucket = 64 * 1024 + 1024; // a packet that offloading has left whole, and its headers
        const byte Ethernet = 1; // TC_LINKLAYER_ETHERNET: the kernel needs no table then
        ulong bytes = Math.Max(bitsPerSecond / 8, 1);
        uint bucket = (uint)Math.Clamp(bytes / BucketsPerSecond, LeastBucket, int.MaxValue);
        NetlinkMessage message = OfTraffic(NewQdisc, Change | NetlinkFlags.Create | NetlinkFlags.Replace, link, 0, RootParent, 0);
        message.Attribute(TrafficKind, "tbf");
        int options = message.Begin(TrafficOptions);
        Span<byte> parameters = stackalloc byte[ParametersBytes];
        parameters.Clear();
        parameters[1] = Ethernet;
        BinaryPrimitives.WriteUInt32LittleEndian(parameters[8..], (uint)Math.Min(bytes, uint.MaxValue));
        BinaryPrimitives.WriteUInt32LittleEndian(parameters[24..], bucket); // the queue behind it holds as much again
        message.Attribute(TbfParameters, parameters);
        message.Attribute(TbfBurst, BitConverter.GetBytes(bucket));
        if (bytes > uint.MaxValue)
        {
            message.Attribute(TbfRate64, BitConverter.GetBytes(bytes));
        }

        message.End(options);
        Request(ref message, $"limit link {link} to {bitsPerSecond} bit/s (the kernel needs CONFIG_NET_SCH_TBF)");
    }

    /// <summary>Gives an interface its first queue back.</summary>
    /// <param name="link">The interface's index.</param>
    public void DeleteRateLimit(int link)
    {
        NetlinkMessage message = OfTraffic(DelQdisc, Change, link, 0, RootParent, 0);
        message.Attribute(TrafficKind, "tbf");
        Request(ref message, $"delete qdisc tbf of link {link}");
    }

    private static NetlinkMessage OfTraffic(ushort type, NetlinkFlags flags, int link, uint handle, uint parent, uint information)
    {
        var message = new NetlinkMessage(type, flags);
        message.Put(0u); // family and padding
        message.Put(link);
        message.Put(handle);
        message.Put(parent);
        message.Put(information);
        return message;
    }

    private static Redirection? ParseRedirection(ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> options = Find(payload[TrafficFixedBytes..], TrafficOptions);
        ReadOnlySpan<byte> action = Find(Find(options, U32Actions), FirstAction);
        ReadOnlySpan<byte> parameters = Find(Find(action, ActionOptions), MirredParameters);
        return parameters.Length >= MirredBytes
            ? new Redirection(BinaryPrimitives.ReadInt32LittleEndian(parameters[24..]), Find(action, ActionCookie).ToArray())
            : null;
    }

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort type)
    {
        var attribute = new NetlinkAttributes(attributes);
        while (attribute.Next())
        {
            if (attribute.Type == type)
            {
                return attribute.Value;
            }
        }

        return [];
    }
}
