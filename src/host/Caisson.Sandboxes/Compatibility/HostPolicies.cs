using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Labels of the host's security modules, which do not reach into another kernel. Engines set them for every container of a host that has
/// such a module, so they are no error: the machine stands in their place. But nobody shall believe that they hold.
/// </summary>
internal static class HostPolicies
{
    internal static void Warn(OciProcess? process, OciLinux? linux, Action<string>? warn)
    {
        Warn("process.apparmorProfile", process?.ApparmorProfile is "unconfined" ? null : process?.ApparmorProfile, warn);
        Warn("process.selinuxLabel", process?.SelinuxLabel, warn);
        Warn("linux.mountLabel", linux?.MountLabel, warn);
    }

    private static void Warn(string field, string? value, Action<string>? warn)
    {
        if (!string.IsNullOrEmpty(value))
        {
            warn?.Invoke($"{field}: \"{value}\" is a policy of the host's kernel and does not hold inside: the virtual machine stands in its place");
        }
    }
}
