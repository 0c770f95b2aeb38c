namespace Caisson.Oci;

/// <summary>The annotations that mean something to Caisson.</summary>
public static class Annotations
{
    /// <summary>What every annotation of ours begins with.</summary>
    public const string Prefix = "io.caisson.";

    /// <summary>Asks for an isolation: vm or namespaces. Honoured only where the configuration allows it.</summary>
    public const string Isolation = "io.caisson.isolation";

    /// <summary>How the network reaches into a VM: tcfilter; or none, for a container that needs none beside its loopback.</summary>
    public const string Network = "io.caisson.network";

    /// <summary>Which sandbox a container belongs to, as each of the engines above containerd and CRI-O writes it.</summary>
    public static readonly IReadOnlyList<string> Sandbox = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"];

    /// <summary>The most bits in a second that a VM receives by each interface.</summary>
    public const string InboundRate = "io.caisson.network.inbound-rate";

    /// <summary>The most bits in a second that a VM sends by each interface.</summary>
    public const string OutboundRate = "io.caisson.network.outbound-rate";

    /// <summary>In a state: why the container stopped, where that was not its own doing.</summary>
    public const string Cause = "io.caisson.cause";
}
