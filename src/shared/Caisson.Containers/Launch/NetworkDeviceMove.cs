using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// <c>linux.netDevices</c>: moves interfaces of the creator's network namespace into the container's, where they are up again and have
/// the addresses that they had (config-linux.md, "Network Devices"). The kernel keeps the rest, and gives hardware back when the
/// namespace ends.
/// </summary>
internal static class NetworkDeviceMove
{
    private const byte GlobalScope = 0;     // RT_SCOPE_UNIVERSE
    private const byte Permanent = 0x80;    // IFA_F_PERMANENT: not one that a router or DHCP gave for a time

    /// <summary>Moves them. The calling thread visits the container's namespace.</summary>
    internal static void Run(SpecMap<LinuxNetDevice> devices, NamespacePlan namespaces, int pid)
    {
        if (devices.Count == 0)
        {
            return;
        }

        using NamespaceFd target = Target(namespaces, pid);
        using NamespaceFd home = NamespaceFd.OfThisThread(NamespaceKinds.Network);
        using RouteSocket here = RouteSocket.Open();
        using RouteSocket there = OpenThere(target, home);

        // All of them before one is moved: what has moved is gone when the container is undone, but for hardware.
        Each(devices, (name, wanted) => Check(here, there, name, wanted));
        Each(devices, (name, wanted) => Move(here, there, target, name, wanted));
    }

    private static void Each(SpecMap<LinuxNetDevice> devices, Action<string, string> step)
    {
        foreach ((string name, LinuxNetDevice device) in devices)
        {
            try
            {
                step(name, device.Name ?? name);
            }
            catch (SyscallException cause)
            {
                throw new ContainerException($"linux.netDevices[\"{name}\"]: {cause.Message}", cause.Errno, cause);
            }
        }
    }

    // The kernel moves first and renames afterwards: a name that is taken would be told when the interface is there already.
    private static void Check(RouteSocket here, RouteSocket there, string name, string wanted)
    {
        _ = here.FindLink(name);
        if (there.TryFindLink(wanted, out _))
        {
            throw new SyscallException($"an interface of the name {wanted} is in the container's network namespace", Errno.EEXIST);
        }
    }

    private static void Move(RouteSocket here, RouteSocket there, NamespaceFd target, string name, string wanted)
    {
        NetworkLink link = here.FindLink(name);
        IReadOnlyList<NetworkAddress> addresses = here.Addresses();
        var before = new HashSet<int>();
        foreach (NetworkLink present in there.Links())
        {
            before.Add(present.Index);
        }

        // Of a pattern such as eth%d the kernel takes the next free name.
        here.MoveToNamespace(link.Index, target, wanted);
        int index = NewLink(there, before);
        foreach (NetworkAddress address in addresses)
        {
            if (address.LinkIndex == link.Index && address.Scope == GlobalScope && (address.Flags & Permanent) != 0)
            {
                there.AddAddress(address with { LinkIndex = index, Flags = 0 });
            }
        }

        there.SetUp(index);
    }

    // Its index may have changed, where another interface had it, and so may its name.
    private static int NewLink(RouteSocket there, HashSet<int> before)
    {
        foreach (NetworkLink present in there.Links())
        {
            if (!before.Contains(present.Index))
            {
                return present.Index;
            }
        }

        throw new SyscallException("rtnetlink find the moved link", Errno.ENODEV);
    }

    // A joined namespace by its path: init may not have joined it yet.
    private static NamespaceFd Target(NamespacePlan namespaces, int pid)
    {
        foreach (JoinedNamespace joined in namespaces.Joined)
        {
            if (joined.Kind == NamespaceKinds.Network)
            {
                return NamespaceFd.Open(joined.Path);
            }
        }

        return namespaces.Creates(NamespaceKinds.Network)
            ? NamespaceFd.OfProcess(pid, NamespaceKinds.Network)
            : throw new ContainerException("linux.netDevices: unable to move network devices without a NET namespace", Errno.EINVAL);
    }

    // A socket belongs to the namespace in which it was opened.
    private static RouteSocket OpenThere(NamespaceFd target, NamespaceFd home)
    {
        target.Join(NamespaceKinds.Network);
        try
        {
            return RouteSocket.Open();
        }
        finally
        {
            home.Join(NamespaceKinds.Network);
        }
    }
}
