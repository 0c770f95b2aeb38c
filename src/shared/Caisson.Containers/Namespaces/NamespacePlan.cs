using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// Which namespaces a container gets new and which it joins, and in how many processes that has to happen.
/// </summary>
internal sealed record NamespacePlan
{
    private NamespacePlan(NamespaceKinds created, IReadOnlyList<JoinedNamespace> joined, bool hasTimeOffsets)
    {
        Created = created;
        Joined = joined;
        HasTimeOffsets = hasTimeOffsets;
    }

    /// <summary>New ones.</summary>
    internal NamespaceKinds Created { get; }

    /// <summary>Existing ones, in the order in which they must be joined.</summary>
    internal IReadOnlyList<JoinedNamespace> Joined { get; }

    private bool HasTimeOffsets { get; }

    /// <summary>
    /// Does a process of its own have to join before init is cloned? A joined pid or time namespace takes children only; and what
    /// belongs to the outer user namespace must be joined before a new one is entered.
    /// </summary>
    internal bool NeedsStage =>
        HasTimeOffsets
        || JoinsAny(NamespaceKinds.Pid | NamespaceKinds.Time | NamespaceKinds.User)
        || (Creates(NamespaceKinds.User) && Joined.Count > 0);

    /// <summary>
    /// The flags of the clone that makes init. A cgroup namespace is left out: its root is where the process is when it is made,
    /// so init makes it once it has been moved.
    /// </summary>
    internal CloneFlags CloneFlags => (CloneFlags)(ulong)(Created & ~NamespaceKinds.Cgroup);

    /// <summary>
    /// May the new network namespace be made ahead of init? Not where it has to belong to a new user namespace, nor where somebody looks for it
    /// by init's pid before init runs.
    /// </summary>
    internal bool MayMakeNetworkAhead(OciLinux? linux) =>
        Creates(NamespaceKinds.Network) && !Creates(NamespaceKinds.User) && !NeedsStage && linux is not { NetDevices.Count: > 0 };

    internal bool Creates(NamespaceKinds kind) => (Created & kind) != 0;

    /// <summary>Is the container's namespace of this kind another one than its creator's?</summary>
    internal bool Has(NamespaceKinds kind) => Creates(kind) || JoinsAny(kind);

    internal bool JoinsAny(NamespaceKinds kinds)
    {
        foreach (JoinedNamespace joined in Joined)
        {
            if ((joined.Kind & kinds) != 0)
            {
                return true;
            }
        }

        return false;
    }

    internal static NamespacePlan From(OciLinux? linux)
    {
        NamespaceKinds created = NamespaceKinds.None;
        var joined = new List<JoinedNamespace>();
        foreach (LinuxNamespace wanted in linux?.Namespaces ?? [])
        {
            NamespaceKinds kind = KindOf(wanted.Type);
            if (string.IsNullOrEmpty(wanted.Path))
            {
                created |= kind;
            }
            else
            {
                joined.Add(new JoinedNamespace(kind, wanted.Path));
            }
        }

        joined.Sort(static (left, right) => Order(left.Kind).CompareTo(Order(right.Kind)));
        return new NamespacePlan(created, joined, created.HasFlag(NamespaceKinds.Time) && linux!.TimeOffsets.Count > 0);
    }

    private static NamespaceKinds KindOf(string type) => type switch
    {
        "pid" => NamespaceKinds.Pid,
        "network" => NamespaceKinds.Network,
        "mount" => NamespaceKinds.Mount,
        "ipc" => NamespaceKinds.Ipc,
        "uts" => NamespaceKinds.Uts,
        "user" => NamespaceKinds.User,
        "cgroup" => NamespaceKinds.Cgroup,
        "time" => NamespaceKinds.Time,
        _ => throw new ContainerException($"namespace type \"{type}\" is unknown", Errno.EINVAL),
    };

    // The user namespace first, because it gives the right to join those it owns; the mount namespace last, because paths and /proc change with it.
    private static int Order(NamespaceKinds kind) => kind switch
    {
        NamespaceKinds.User => 0,
        NamespaceKinds.Mount => 2,
        _ => 1,
    };
}

/// <summary>A namespace that exists already.</summary>
/// <param name="Kind">Its kind, which the kernel checks.</param>
/// <param name="Path">Where it is pinned, in the creator's mount namespace.</param>
internal readonly record struct JoinedNamespace(NamespaceKinds Kind, string Path);
