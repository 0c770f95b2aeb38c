namespace Caisson.Hypervisors;

/// <summary>A machine could not be started, found or driven. The message names the step, its object and, where there is one, the remedy.</summary>
public sealed class HypervisorException : IOException
{
    /// <param name="step">What was being done: <c>find qemu-system-x86_64</c>.</param>
    /// <param name="reason">What went wrong, with the path or object it concerns.</param>
    /// <param name="remedy">What the reader can do about it; null where nothing is known.</param>
    /// <param name="cause">The failure underneath.</param>
    public HypervisorException(string step, string reason, string? remedy = null, Exception? cause = null)
        : base(remedy is null ? $"vm: {step}: {reason}" : $"vm: {step}: {reason}; {remedy}", cause)
    {
        Step = step;
        Remedy = remedy;
    }

    public string Step { get; }

    public string? Remedy { get; }
}
