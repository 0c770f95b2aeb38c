using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>How large a sandbox's virtual machine is, and what its cgroup on the host allows.</summary>
/// <param name="VirtualCpus">Virtual CPUs.</param>
/// <param name="MemoryMib">Guest memory in MiB.</param>
/// <param name="HostMemoryLimitBytes">The limit of the host's cgroup in bytes; null where the configuration sets none.</param>
internal readonly record struct MachineSize(int VirtualCpus, int MemoryMib, long? HostMemoryLimitBytes)
{
    /// <summary>Every machine's own share of memory, in MiB: kernel, agent and page cache.</summary>
    internal const int DefaultMemoryMib = 256;

    // QEMU's own memory under TCG beside the guest's (translation cache, vmlinux mapping, devices), virtiofsd, supervisor, guardian and
    // keepers: 148 MB anonymous and 69 MB of file pages were measured for a 256 MiB guest with about 83 MB touched. The cache of translated
    // code grows with what the guest runs, up to its bound (QemuCommandLine.TranslationCacheMiB).
    private const int HostOverheadMib = 288;

    // QEMU 7.2 q35 with one socket; more than the host has gains nothing.
    private const int MaxVirtualCpus = 64;

    private const long Mib = 1024 * 1024;

    // Beyond this a limit means "none": engines write very large numbers for unlimited.
    private const long LargestMemoryLimit = 1L << 46;

    /// <summary>vCPUs: quota divided by period, rounded up, at least the default. Memory: the default plus the containers' limit.</summary>
    /// <param name="resources">The container's limits.</param>
    /// <param name="defaultCpus">vCPUs of a machine whose containers ask for no more.</param>
    /// <param name="defaultMemoryMib">The machine's own share of memory.</param>
    internal static MachineSize For(LinuxResources? resources, int defaultCpus = 1, int defaultMemoryMib = DefaultMemoryMib)
    {
        int cpus = defaultCpus;
        if (resources?.Cpu is { Quota: > 0 and long quota } cpu)
        {
            long period = (long)Math.Min(cpu.Period ?? 100_000, long.MaxValue / 2);
            long wanted = period > 0 ? ((quota - 1) / period) + 1 : 1;
            cpus = (int)Math.Max(defaultCpus, Math.Min(wanted, Math.Min(MaxVirtualCpus, Environment.ProcessorCount)));
        }

        if (resources?.Memory is not { Limit: > 0 and < LargestMemoryLimit and long limit })
        {
            return new MachineSize(cpus, defaultMemoryMib, null);
        }

        long limitMib = ((limit - 1) / Mib) + 1;
        return new MachineSize(
            cpus,
            (int)(defaultMemoryMib + limitMib),
            limit + ((defaultMemoryMib + HostOverheadMib) * Mib));
    }
}
