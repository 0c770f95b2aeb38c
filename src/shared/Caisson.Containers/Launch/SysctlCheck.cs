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
            string key = written.Replace('/', '.');
            if (key.Contains("..", StringComparison.Ordinal) || !IsNamespaced(key, written, namespaces))
            {
                throw new ContainerException($"sysctl \"{written}\" is not in a separate kernel namespace", Errno.EINVAL);
            }
        }
    }

    private static bool IsNamespaced(string key, string written, NamespacePlan namespaces)
    {
        if (Array.IndexOf(s_ipc, key) >= 0 || key.StartsWith("fs.mqueue.", StringComparison.Ordinal))
        {
            return namespaces.Has(NamespaceKinds.Ipc)
                ? true
                : throw new ContainerException($"sysctl \"{written}\" is not allowed in the hosts ipc namespace", Errno.EINVAL);
        }

        if (key.StartsWith("net.", StringComparison.Ordinal))
        {
            return namespaces.Has(NamespaceKinds.Network)
                ? true
                : throw new ContainerException($"sysctl \"{written}\" not allowed in host network namespace", Errno.EINVAL);
        }

        return key switch
        {
            "kernel.domainname" => namespaces.Has(NamespaceKinds.Uts),
            "kernel.hostname" => throw new ContainerException($"sysctl \"{written}\" conflicts with the field hostname, which sets it", Errno.EINVAL),
            _ => false,
        };
    }
}
