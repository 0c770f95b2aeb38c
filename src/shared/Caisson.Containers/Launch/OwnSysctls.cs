using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// Kernel parameters where the kernel is the sandbox's own. The creator sets those that are not of a namespace which the container gets
/// anew: init may lack the right, in a user namespace that owns neither the kernel nor its network.
/// </summary>
internal static class OwnSysctls
{
    /// <summary>Sets them, and leaves the rest in the configuration for init.</summary>
    internal static OciSpec SetAndRemove(OciSpec spec)
    {
        NamespacePlan namespaces = NamespacePlan.From(spec.Linux);
        var left = new List<KeyValuePair<string, string>>();
        foreach (KeyValuePair<string, string> pair in spec.Linux?.Sysctl ?? SpecMap.Empty<string>())
        {
            if (namespaces.Creates(SysctlCheck.NamespaceOf(SysctlName.Dotted(pair.Key))))
            {
                left.Add(pair);
            }
            else if (!SmallFile.TryWrite(SysctlName.Path(pair.Key), pair.Value, out Errno why))
            {
                throw ContainerException.Because($"write sysctl key {pair.Key}", why);
            }
        }

        return spec.Linux is null ? spec : spec with { Linux = spec.Linux with { Sysctl = new SpecMap<string>(left) } };
    }
}
