using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>Moves an interface between the caller's network namespace and a container's; its addresses go with it, and it is up afterwards.</summary>
public static class InterfaceMove
{
    private const byte Permanent = 0x80; // IFA_F_PERMANENT of linux/if_addr.h

    /// <param name="record">The container, which lives.</param>
    /// <param name="name">The interface, in the caller's namespace.</param>
    public static void IntoContainer(ContainerRecord record, string name)
    {
        using NamespaceFd container = NamespaceOf(record);
        using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        Move(own, container, name);
    }

    /// <param name="record">The container, which lives.</param>
    /// <param name="name">The interface, in the container's namespace.</param>
    public static void OutOfContainer(ContainerRecord record, string name)
    {
        using NamespaceFd container = NamespaceOf(record);
        using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        Move(container, own, name);
    }

    private static NamespaceFd NamespaceOf(ContainerRecord record)
    {
        var ns = NamespaceFd.OfProcess(record.Init.Pid, NamespaceKinds.Network);
        using NamespaceFd own = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        if (record.Init.IsAlive && !NamespaceCalls.AreSame(ns, own))
        {
            return ns;
        }

        ns.Dispose();
        throw new SandboxException(record.Init.IsAlive ? "network: the container shares the caller's network namespace" : "container not running");
    }

    private static void Move(NamespaceFd from, NamespaceFd to, string name)
    {
        try
        {
            using RouteSocket there = NamespaceCalls.InNetwork(to, RouteSocket.Open);
            using RouteSocket here = NamespaceCalls.InNetwork(from, RouteSocket.Open);
            NetworkLink link = here.FindLink(name);
            if (link.IsLoopback || TrafficFilter.IsTap(name))
            {
                throw new SandboxException($"network: {name} is not an interface that can be moved");
            }

            IReadOnlyList<NetworkAddress> addresses = here.Addresses();
            here.MoveToNamespace(link.Index, to, name);
            int index = there.FindLink(name).Index;
            foreach (NetworkAddress address in addresses)
            {
                if (address.LinkIndex == link.Index && !address.Address.IsIPv6LinkLocal && (address.Flags & Permanent) != 0)
                {
                    there.AddAddress(address with { LinkIndex = index, Flags = 0 });
                }
            }

            there.SetUp(index);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"network: {name}: {cause.Message}", cause);
        }
    }
}
