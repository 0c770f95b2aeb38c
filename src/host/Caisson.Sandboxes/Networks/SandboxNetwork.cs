using System.Globalization;
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
        Record = new NetworkSnapshot { Model = plan.Model, NamespacePath = plan.Path, NamespaceId = FileCalls.Stat(plan.Namespace).Inode };
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
                    return new SandboxNetwork(new NetworkPlan(record.Model, ns, record.NamespacePath, 0, 0), record, snapshot.Id);
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
    internal IReadOnlyList<NetworkCard> Attach(int processors, Action onRecord) => Inside(route =>
    {
        Pod = PodNetwork.Scan(route, TrafficFilter.IsTap);
        Plan(route);
        onRecord();
        var cards = new List<NetworkCard>();
        try
        {
            for (int i = 0; i < Pod.Interfaces.Count; i++)
            {
                PodInterface pod = Pod.Interfaces[i];
                string tap = Record.Interfaces[i].Tap;
                cards.Add(new NetworkCard(pod.Hardware, TrafficFilter.Attach(route, pod, tap, Math.Clamp(processors, 1, MaxQueues), _cookie)));
                TrafficFilter.Limit(route, pod, tap, _plan.Inbound, _plan.Outbound);
            }

            return cards;
        }
        catch
        {
            cards.ForEach(static card => card.Dispose());
            throw;
        }
    });

    /// <summary>Takes everything of ours out of the pod's namespace; the machine has ended, and its TAPs with it.</summary>
    internal void Detach() => Inside(route =>
    {
        NetworkRemains.Undo(route, Record, _cookie);
        return true;
    });

    public void Dispose() => _plan.Namespace.Dispose();

    private void Plan(RouteSocket route)
    {
        var attachments = new List<NetworkAttachment>();
        var taken = new List<string>();
        foreach (PodInterface pod in Pod.Interfaces)
        {
            string tap = TrafficFilter.ChooseTap(route, taken);
            taken.Add(tap);
            attachments.Add(new NetworkAttachment(pod.Name, tap, pod.Hardware, _plan.Outbound > 0));
        }

        Record = Record with { Interfaces = attachments };
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
/// <param name="HardwareAddress">As the guest shall see it.</param>
/// <param name="Queues">The TAP's queues.</param>
internal sealed record NetworkCard(string HardwareAddress, IReadOnlyList<FileFd> Queues) : IDisposable
{
    public void Dispose()
    {
        foreach (FileFd queue in Queues)
        {
            queue.Dispose();
        }
    }
}
