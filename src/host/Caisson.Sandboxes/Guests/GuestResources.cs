using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Which of a container's limits hold in the guest. What is left out here is honoured on the host (<see cref="HostLimits"/>), or was
/// refused by name before (<see cref="Refusals"/>): nothing is dropped in silence.
/// </summary>
internal static class GuestResources
{
    /// <summary>Limits for the guest's cgroups: without those that bind the machine on the host, whose numbers mean nothing in the guest.</summary>
    /// <param name="resources">The limits as the caller gave them.</param>
    internal static LinuxResources From(LinuxResources resources) => resources with
    {
        Cpu = resources.Cpu is { } cpu ? cpu with { Cpus = null, Mems = null, RealtimePeriod = null, RealtimeRuntime = null } : null,
        Memory = resources.Memory is { } memory
            ? memory with { Kernel = null, KernelTcp = null, Swappiness = null, DisableOomKiller = null }
            : null,
        BlockIO = null,
        Network = null,
        Rdma = SpecMap.Empty<LinuxRdma>(),
        Unified = resources.Unified.Where(static file => !IsOfHost(file)),
    };

    /// <summary>Files of cgroup v2 that name the host's CPUs or block devices: they are written on the host.</summary>
    internal static bool IsOfHost(string file) =>
        file.StartsWith("cpuset.", StringComparison.Ordinal) || file.StartsWith("io.", StringComparison.Ordinal);
}
