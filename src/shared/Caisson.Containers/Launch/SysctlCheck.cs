using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Sysctls that belong to a namespace of the container; any other would be the host's.</summary>
internal static class SysctlCheck
{
    // ipc_namespaces(7): System V limits and message queues.
    private static readonly string[] s_ipc =
    [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ];

    internal static void Check(SpecMap<string> sysctls, NamespacePlan namespaces)
    {
        foreach ((string written, _) in sysctls)
        {
            string key = SysctlName.Dotted(written);
            if (key.Contains("..", StringComparison.Ordinal) || !IsNamespaced(key, written, namespaces))
            {
                throw new ContainerException($"sysctl \"{written}\" is not in a separate kernel namespace", Errno.EINVAL);
            }
        }
    }

    /// <summary>The kind of namespace that a parameter, written with dots, belongs to; None for one of the kernel as a whole.</summary>
    internal static NamespaceKinds NamespaceOf(string key) =>
        Array.IndexOf(s_ipc, key) >= 0 || key.StartsWith("fs.mqueue.", StringComparison.Ordinal) ? NamespaceKinds.Ipc
        : key.StartsWith("net.", StringComparison.Ordinal) ? NamespaceKinds.Network
        : key.StartsWith("user.", StringComparison.Ordinal) ? NamespaceKinds.User
        : key is "kernel.domainname" or "kernel.hostname" ? NamespaceKinds.Uts
        : NamespaceKinds.None;

    private static bool IsNamespaced(string key, string written, NamespacePlan namespaces) => (key, NamespaceOf(key)) switch
    {
        ("kernel.hostname", _) => throw new ContainerException($"sysctl \"{written}\" conflicts with the field hostname, which sets it", Errno.EINVAL),
        (_, NamespaceKinds.Ipc) when !namespaces.Has(NamespaceKinds.Ipc) =>
            throw new ContainerException($"sysctl \"{written}\" is not allowed in the hosts ipc namespace", Errno.EINVAL),
        (_, NamespaceKinds.Network) when !namespaces.Has(NamespaceKinds.Network) =>
            throw new ContainerException($"sysctl \"{written}\" not allowed in host network namespace", Errno.EINVAL),
        (_, NamespaceKinds kind) => namespaces.Has(kind),
    };
}
