using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a container uses. A backend whose containers live in a machine fills the same numbers from there.</summary>
/// <param name="Stats">The cgroup's counts.</param>
public sealed record ContainerUsage(CgroupStats Stats);
