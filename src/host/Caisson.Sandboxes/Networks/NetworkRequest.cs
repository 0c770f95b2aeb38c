using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>
/// What network a container in a virtual machine asks for, as the command that creates it sees it. A network that cannot be had is refused:
/// a container that silently lacks it is worse than none.
/// </summary>
/// <param name="Model">How its interfaces reach into the machine.</param>
/// <param name="NamespacePath">The namespace to join; null for a new one.</param>
internal sealed record NetworkRequest(NetworkModel Model, string? NamespacePath)
{
    /// <summary>The most bits in a second that arrive at the machine by each interface; 0 for no bound.</summary>
    internal ulong Inbound { get; init; }

    /// <summary>The most bits in a second that leave the machine by each interface; 0 for no bound.</summary>
    internal ulong Outbound { get; init; }

    /// <summary>
    /// Whether interfaces may still come while the container's namespaces are made: hooks of that moment are how engines without a
    /// namespace of their own make a network (libnetwork-setkey, the CNI plugins of podman's older releases).
    /// </summary>
    internal bool IsMadeByHooks { get; init; }

    /// <exception cref="SandboxException">The host's own network is asked for, or a model that is not there.</exception>
    internal static NetworkRequest Of(OciSpec spec, VmConfiguration configured)
    {
        NetworkModel model = ModelOf(spec, configured);
        if (model == NetworkModel.None)
        {
            return new NetworkRequest(NetworkModel.None, null);
        }

        LinuxNamespace ns = NamespaceOf(spec) ?? throw Refused("no network namespace");
        if (ns.Path is { } path && IsOwn(path))
        {
            throw Refused($"{path} is the host's network namespace");
        }

        return new NetworkRequest(model, ns.Path)
        {
            Inbound = RateOf(spec, Annotations.InboundRate),
            Outbound = RateOf(spec, Annotations.OutboundRate),
            IsMadeByHooks = spec.Hooks is { } hooks && hooks.Prestart.Count + hooks.CreateRuntime.Count + hooks.CreateContainer.Count > 0,
        };
    }

    /// <summary>Opens the namespace that is there before the container is; null where it will be a new one, which holds nothing yet.</summary>
    internal NamespaceFd? OpenNamespace()
    {
        if (NamespacePath is null)
        {
            return null;
        }

        if (!NamespaceFd.TryOpen(NamespacePath, out NamespaceFd network, out Errno why))
        {
            throw new SandboxException($"linux.namespaces: network namespace {NamespacePath}: {Failure.Words(why)}");
        }

        return network;
    }

    /// <summary>For the supervisor.</summary>
    /// <param name="token">Under which the namespace was delivered.</param>
    internal Network Describe(byte[] token) => new()
    {
        Model = NetworkModelName.Of(Model),
        DescriptorToken = ByteString.CopyFrom(token),
        Path = NamespacePath ?? "",
        Inbound = Inbound,
        Outbound = Outbound,
    };

    private static NetworkModel ModelOf(OciSpec spec, VmConfiguration configured) =>
        spec.Annotations.TryGetValue(Annotations.Network, out string? asked)
            ? NetworkModelName.Parse(asked, $"annotation {Annotations.Network}")
            : NetworkModelName.Parse(configured.Network ?? "tcfilter", "configuration vm.network");

    private static LinuxNamespace? NamespaceOf(OciSpec spec)
    {
        foreach (LinuxNamespace ns in spec.Linux?.Namespaces ?? [])
        {
            if (ns.Type == "network")
            {
                return ns;
            }
        }

        return null;
    }

    // A path that leads nowhere is told by whoever opens it to join it.
    private static bool IsOwn(string path)
    {
        if (!NamespaceFd.TryOpen(path, out NamespaceFd asked, out _))
        {
            return false;
        }

        using (asked)
        using (NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network))
        {
            return NamespaceCalls.AreSame(asked, own);
        }
    }

    private static ulong RateOf(OciSpec spec, string annotation)
    {
        const ulong Least = 8000; // a thousand bytes in a second: below it, a packet would take longer than TCP waits
        if (!spec.Annotations.TryGetValue(annotation, out string? text))
        {
            return 0;
        }

        return ulong.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ulong rate) && rate is 0 or >= Least
            ? rate
            : throw new SandboxException($"annotation {annotation}: \"{text}\": expected bits per second, 0 for no bound, or at least {Least}");
    }

    private static SandboxException Refused(string what) => new(
        $"linux.namespaces: the host's network is asked for ({what}), and a virtual machine cannot share it; "
        + $"give a network namespace of its own, or the annotation {Annotations.Network}=none, or use --isolation namespaces");
}
