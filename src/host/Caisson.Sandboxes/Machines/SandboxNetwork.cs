using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// The rule on networks until a sandbox's interfaces are carried into its machine: loopback only. A namespace that holds more is refused,
/// because a container that silently lacks its network is worse than none; <c>io.caisson.network=none</c> says that it is meant so.
/// </summary>
internal static class SandboxNetwork
{
    // Fallback devices that the kernel makes in every new namespace, down and without addresses (drivers of ip_tunnel.c and others).
    private static readonly string[] s_fallbackDevices =
        ["lo", "tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip6tnl0", "ip6gre0", "ip6gretap0", "ip_vti0", "ip6_vti0"];

    /// <summary>The early half: a container in the host's own network namespace.</summary>
    internal static void RequireNoneJoined(OciSpec spec)
    {
        if (IsNone(spec))
        {
            return;
        }

        foreach (LinuxNamespace ns in spec.Linux?.Namespaces ?? [])
        {
            if (ns.Type == "network")
            {
                return;
            }
        }

        throw new SandboxException(
            "linux.namespaces: the host's network is asked for (no network namespace), and a virtual machine cannot share it; "
            + "add {\"type\": \"network\"}, or the annotation io.caisson.network=none, or use --isolation namespaces");
    }

    /// <summary>The late half: hooks have run, and whatever they put into the namespace is there.</summary>
    internal static void RequireLoopbackOnly(OciSpec spec, int keeperPid)
    {
        if (IsNone(spec))
        {
            return;
        }

        foreach (string line in SmallFile.ReadText($"/proc/{keeperPid}/net/dev").Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && Array.IndexOf(s_fallbackDevices, line[..colon].Trim()) < 0)
            {
                throw new SandboxException(
                    $"network: the sandbox's network namespace holds the interface {line[..colon].Trim()}, which is not carried into a virtual machine yet; "
                    + "give an empty namespace, or the annotation io.caisson.network=none, or use --isolation namespaces");
            }
        }
    }

    private static bool IsNone(OciSpec spec) =>
        spec.Annotations.TryGetValue("io.caisson.network", out string? network) && network == "none";
}
