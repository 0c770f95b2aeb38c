namespace Caisson.Hypervisors;

/// <summary>What the user asks for.</summary>
public enum AcceleratorChoice
{
    /// <summary>KVM where it is proven to work, TCG otherwise.</summary>
    Auto,
    Kvm,
    Tcg,
}

/// <summary>Which accelerator machines get here, and how that is known.</summary>
/// <param name="Accelerator">The answer.</param>
/// <param name="Reason">One clause for people: <c>no kernel ran under KVM within 10 s</c>.</param>
/// <param name="ProbedAt">When a machine was started to find out; null if none was.</param>
public sealed record AcceleratorVerdict(Accelerator Accelerator, string Reason, DateTimeOffset? ProbedAt);
