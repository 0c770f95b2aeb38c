using System.Globalization;
using System.Net;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// A sandbox's network on the host, owned by its supervisor: which interfaces of the pod's namespace lead into the machine. What it makes is
/// in the snapshot before it is made, so that whoever cleans up after a dead supervisor finds it.
/// </summary>
internal sealed class SandboxNetwork : IDisposable
{
    // As many queues as processors make sense; QEMU has a thread for none of them, so more than a few gain nothing.
    private const int MaxQueues = 8;

    private readonly NetworkPlan _plan;
    private readonly byte[] _cookie;

    internal SandboxNetwork(NetworkPlan plan, string sandboxId)
    {
        _plan = plan;
        _cookie = CookieOf(sandboxId);
        Record = new NetworkSnapshot
        {
            Model = plan.Model,
            NamespacePath = plan.Path,
            NamespaceId = FileCalls.Stat(plan.Namespace).Inode,
            Inbound = plan.Inbound,
            Outbound = plan.Outbound,
        };
    }

    private SandboxNetwork(NetworkPlan plan, NetworkSnapshot record, string sandboxId)
    {
        _plan = plan;
        _cookie = CookieOf(sandboxId);
        Record = record;
    }

    /// <summary>What is written down.</summary>
    internal NetworkSnapshot Record { get; private set; }

    /// <summary>What the guest is told.</summary>
    internal PodNetwork Pod { get; private set; } = PodNetwork.Empty;

    /// <summary>By which our redirections are known, by whoever finds them.</summary>
    internal static byte[] CookieOf(string sandboxId) =>
        BitConverter.GetBytes(ulong.Parse(sandboxId, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>Takes over an earlier supervisor's: the keepers live in the pod's namespace.</summary>
    /// <returns>Null where the namespace is not found any more; it took everything of ours with it, or nobody can reach it.</returns>
    internal static SandboxNetwork? Reopen(SandboxSnapshot snapshot)
    {
        if (snapshot.Network is not { } record)
        {
            return null;
        }

        var paths = new List<string>();
        foreach (ContainerSnapshot container in snapshot.Containers)
        {
            if (container.Init.Keeper is { IsAlive: true } keeper)
            {
                paths.Add($"/proc/{keeper.Pid}/ns/net");
            }
        }

        paths.Add(record.NamespacePath ?? "");
        foreach (string path in paths)
        {
            if (NamespaceFd.TryOpen(path, out NamespaceFd ns, out _))
            {
                if (FileCalls.Stat(ns).Inode == record.NamespaceId)
                {
                    return new SandboxNetwork(new NetworkPlan(record.Model, ns, record.NamespacePath, record.Inbound, record.Outbound), record, snapshot.Id);
                }

                ns.Dispose();
            }
        }

        return null;
    }

    /// <summary>Looks for interfaces and leads each into the machine that is about to be started.</summary>
    /// <param name="processors">The machine's.</param>
    /// <param name="onRecord">Called when <see cref="Record"/> has what is about to be made.</param>
    /// <returns>The cards that the machine shall have; their queues are the caller's.</returns>
    /// <exception cref="SandboxException">An interface is in use that the model cannot carry.</exception>
    internal IReadOnlyList<NetworkCard> Attach(int processors, Action onRecord) => Inside(route =>
    {
        Pod = PodNetwork.Scan(route, TrafficFilter.IsTap);
        if (Pod.Unusable.Count > 0)
        {
            throw new SandboxException(
                $"network: the interface {Pod.Unusable[0]} carries no Ethernet and cannot be passed into a virtual machine; "
                + "take it away, or give the annotation io.caisson.network=none, or use --isolation namespaces");
        }

        return Connect(route, Pod.Interfaces, processors, onRecord);
    });

    /// <summary>Looks again which interfaces have gone; their redirections are taken away where they can be.</summary>
    internal IReadOnlyList<NetworkAttachment> FindGone() => Inside(route =>
    {
        var gone = new List<NetworkAttachment>();
        foreach (NetworkAttachment known in Record.Interfaces)
        {
            if (!IsAttached(route, known))
            {
                TrafficFilter.Undo(route, known, _cookie);
                gone.Add(known);
            }
        }

        return gone;
    });

    /// <summary>An interface's card is out of the machine.</summary>
    internal void Forget(NetworkAttachment gone)
    {
        var left = new List<NetworkAttachment>(Record.Interfaces);
        left.Remove(gone);
        Record = Record with { Interfaces = left };
    }

    /// <summary>Looks at the interfaces again, and leads new ones to the machine.</summary>
    /// <param name="processors">The machine's.</param>
    /// <param name="onRecord">Called when <see cref="Record"/> has what is about to be made.</param>
    /// <returns>New cards; their queues are the caller's.</returns>
    internal IReadOnlyList<NetworkCard> Follow(int processors, Action onRecord) => Inside(route =>
    {
        Pod = PodNetwork.Scan(route, TrafficFilter.IsTap);
        var added = new List<PodInterface>();
        foreach (PodInterface pod in Pod.Interfaces)
        {
            if (Find(pod) is not { } known)
            {
                added.Add(pod);
            }
            else if (route.TryFindLink(known.Tap, out NetworkLink? tap) && tap.Mtu != pod.Mtu)
            {
                route.SetMtu(tap.Index, pod.Mtu);
            }
        }

        return Connect(route, added, processors, onRecord);
    });

    /// <summary>A card could not be plugged in: the next look begins anew with its interface.</summary>
    internal void GiveUp(string tap) => Inside(route =>
    {
        foreach (NetworkAttachment one in new List<NetworkAttachment>(Record.Interfaces))
        {
            if (one.Tap == tap)
            {
                TrafficFilter.Undo(route, one, _cookie);
                Forget(one);
            }
        }

        return true;
    });

    /// <summary>Hears of changes in the pod's namespace from now on.</summary>
    internal RouteMonitor Watch() => NamespaceCalls.InNetwork(_plan.Namespace, RouteMonitor.Open);

    /// <summary>Listens on a port of the loopback of the pod's namespace.</summary>
    /// <exception cref="SandboxException">Somebody listens there already, or the namespace's loopback is down.</exception>
    internal InternetSocket Listen(ushort port) => Inside(_ => InternetSocket.Listen(IPAddress.Loopback, port));

    /// <summary>Asks the resolver at 127.0.0.11 of the pod's namespace; its answer comes to the socket.</summary>
    internal InternetSocket AskResolver(ReadOnlySpan<byte> query)
    {
        InternetSocket socket = Inside(static _ => InternetSocket.ConnectDatagram(new IPAddress([127, 0, 0, 11]), 53));
        socket.TryWrite(query, out _, out _);
        return socket;
    }

    /// <summary>Takes everything of ours out of the pod's namespace; the machine has ended, and its TAPs with it.</summary>
    internal void Detach() => Inside(route =>
    {
        NetworkRemains.Undo(route, Record, _cookie);
        return true;
    });

    public void Dispose() => _plan.Namespace.Dispose();

    // One that is only down comes back. Without its TAP it was written down by a supervisor that died before the machine had it.
    private static bool IsAttached(RouteSocket route, NetworkAttachment known) =>
        route.TryFindLink(known.Name, out NetworkLink? link) && link.Index == known.Index
        && PodInterface.Text(link.HardwareAddress) == known.HardwareAddress && route.TryFindLink(known.Tap, out _);

    private NetworkAttachment? Find(PodInterface pod)
    {
        foreach (NetworkAttachment known in Record.Interfaces)
        {
            if (known.Name == pod.Name && known.Index == pod.Index && known.HardwareAddress == pod.Hardware)
            {
                return known;
            }
        }

        return null;
    }

    private List<NetworkCard> Connect(RouteSocket route, IReadOnlyList<PodInterface> interfaces, int processors, Action onRecord)
    {
        var cards = new List<NetworkCard>();
        if (interfaces.Count == 0)
        {
            return cards;
        }

        List<NetworkAttachment> planned = Plan(route, interfaces);
        Record = Record with { Interfaces = [.. Record.Interfaces, .. planned] };
        onRecord();
        try
        {
            for (int i = 0; i < interfaces.Count; i++)
            {
                IReadOnlyList<FileFd> queues = TrafficFilter.Attach(route, interfaces[i], planned[i].Tap, Math.Clamp(processors, 1, MaxQueues), _cookie);
                cards.Add(new NetworkCard(planned[i].Tap, planned[i].HardwareAddress, queues));
                TrafficFilter.Limit(route, interfaces[i], planned[i].Tap, _plan.Inbound, _plan.Outbound);
            }

            return cards;
        }
        catch
        {
            cards.ForEach(static card => card.Dispose());
            planned.ForEach(one => TrafficFilter.Undo(route, one, _cookie));
            planned.ForEach(Forget);
            throw;
        }
    }

    private List<NetworkAttachment> Plan(RouteSocket route, IReadOnlyList<PodInterface> interfaces)
    {
        var planned = new List<NetworkAttachment>();
        var taken = new List<string>();
        foreach (PodInterface pod in interfaces)
        {
            string tap = TrafficFilter.ChooseTap(route, taken);
            taken.Add(tap);
            planned.Add(new NetworkAttachment(pod.Name, pod.Index, tap, pod.Hardware, _plan.Outbound > 0));
        }

        return planned;
    }

    private T Inside<T>(Func<RouteSocket, T> work)
    {
        try
        {
            return NamespaceCalls.InNetwork(_plan.Namespace, () =>
            {
                using RouteSocket route = RouteSocket.Open();
                return work(route);
            });
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"network: {cause.Message}", cause);
        }
    }
}

/// <summary>What network a sandbox shall have.</summary>
/// <param name="Model">How its interfaces reach into the machine.</param>
/// <param name="Namespace">The pod's namespace; owned by the sandbox from here on.</param>
/// <param name="Path">Where others find the namespace; null where only processes lead to it.</param>
/// <param name="Inbound">The most bits in a second towards the guest; 0 for no bound.</param>
/// <param name="Outbound">The most bits in a second from the guest; 0 for no bound.</param>
internal sealed record NetworkPlan(NetworkModel Model, NamespaceFd Namespace, string? Path, ulong Inbound, ulong Outbound);

/// <summary>A network card that a machine shall have.</summary>
/// <param name="Id">Names it among the machine's.</param>
/// <param name="HardwareAddress">As the guest shall see it.</param>
/// <param name="Queues">The TAP's queues.</param>
internal sealed record NetworkCard(string Id, string HardwareAddress, IReadOnlyList<FileFd> Queues) : IDisposable
{
    public void Dispose()
    {
        foreach (FileFd queue in Queues)
        {
            queue.Dispose();
        }
    }
}
