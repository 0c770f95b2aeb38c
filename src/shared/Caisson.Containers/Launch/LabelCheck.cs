using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Labels and profiles of security modules that are not there: less isolation than was asked for is refused, in runc's words.</summary>
internal static class LabelCheck
{
    internal static void Check(OciProcess process, string? mountLabel)
    {
        if (process.ApparmorProfile is { Length: > 0 } profile && profile != "unconfined" && !SecurityModules.HasAppArmor)
        {
            throw new ContainerException(
                $"process.apparmorProfile: \"{profile}\": AppArmor is not enabled on this host (apparmor: config provided but apparmor not supported)",
                Errno.EOPNOTSUPP);
        }

        CheckSelinux("process.selinuxLabel", process.SelinuxLabel);
        CheckSelinux("linux.mountLabel", mountLabel);
    }

    private static void CheckSelinux(string field, string? label)
    {
        if (!string.IsNullOrEmpty(label) && !SecurityModules.HasSelinux)
        {
            throw new ContainerException(
                $"{field}: \"{label}\": selinux label is specified in config, but selinux is disabled or not supported", Errno.EOPNOTSUPP);
        }
    }
}
