using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>Joins namespaces by path, in the plan's order.</summary>
internal static class NamespaceJoin
{
    internal static void All(IReadOnlyList<JoinedNamespace> namespaces)
    {
        if (namespaces.Count == 0)
        {
            return;
        }

        // All are opened first: after the mount namespace is joined, the other paths may mean something else.
        var opened = new NamespaceFd[namespaces.Count];
        for (int i = 0; i < opened.Length; i++)
        {
            opened[i] = Open(namespaces[i]);
        }

        for (int i = 0; i < opened.Length; i++)
        {
            using NamespaceFd target = opened[i];
            if (!NamespaceCalls.TryJoin(target, namespaces[i].Kind, out Errno why))
            {
                throw ContainerException.Because($"setns to {namespaces[i].Kind.ProcName()} namespace {namespaces[i].Path}", why);
            }

            if (namespaces[i].Kind == NamespaceKinds.User)
            {
                BecomeRoot();
            }
        }
    }

    /// <summary>Inside a user namespace, its root: whoever entered has all capabilities but still an unmapped or foreign id.</summary>
    internal static void BecomeRoot()
    {
        UserIds.SetGroup(0);
        UserIds.SetUser(0);

        // Denied where an unprivileged user wrote the map: then the groups of the caller stay, as they do with runc.
        try
        {
            UserIds.SetSupplementaryGroups([]);
        }
        catch (SyscallException denied) when (denied.Errno == Errno.EPERM)
        {
        }
    }

    private static NamespaceFd Open(JoinedNamespace wanted) =>
        NamespaceFd.TryOpen(wanted.Path, out NamespaceFd fd, out Errno why)
            ? fd
            : throw ContainerException.Because($"{wanted.Kind.ProcName()} namespace path: stat {wanted.Path}", why);
}
