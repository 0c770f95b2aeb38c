using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// How a process with several threads enters init: a stub clones and executes this, and the executable hands the
/// arguments after the verb to <see cref="ContainerInit.RunFromVerb"/>.
/// </summary>
/// <param name="Executable">A read-only clone of the executable or a sealed memfd: it is visible from inside until the workload runs.</param>
/// <param name="Arguments">argv up to and including the verb, such as <c>caisson init</c>.</param>
public sealed record InitVerb(FileDescriptor Executable, IReadOnlyList<string> Arguments)
{
    /// <summary>Where requests go first; null starts a process for each.</summary>
    public InitTemplate? Template { get; init; }
}
