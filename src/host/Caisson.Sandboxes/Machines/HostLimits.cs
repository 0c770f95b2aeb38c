using System.Globalization;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What the host's cgroup holds a sandbox to, whatever its guest does: the configuration's limits with an allowance for the machine around
/// the container. In the guest the same limits hold for the container alone.
/// </summary>
internal static class HostLimits
{
    // The machine's own use of CPU beside the container's: QEMU's main loop, virtiofsd, the supervisor, and the guest's kernel and agent.
    // Half a CPU: an exec costs about 70 ms of CPU time under TCG, and must stay possible beside a container that uses up its quota.
    private const ulong AllowanceDivisor = 2;

    // Against a QEMU or virtiofsd that somebody took over and that forks: far above what they need (64 vCPUs and 64 I/O workers of QEMU
    // 7.2, 64 workers of virtiofsd, a few dozen threads of supervisor and guardian), so that more than a thousand remain for the
    // keepers, of which each exec has one. The container's own limit counts processes of the guest, and holds there.
    internal const long ProcessLimit = 2048;

    /// <summary>Sets everything but CPU bandwidth, which would slow the boot down, before the guest runs anything of the container's.</summary>
    /// <param name="cgroup">The sandbox's, just made.</param>
    /// <param name="asked">The configuration's limits.</param>
    /// <param name="size">The machine's size.</param>
    internal static void ApplyToNew(Cgroup cgroup, LinuxResources? asked, MachineSize size)
    {
        LinuxResources limits = Placement(cgroup, asked ?? new LinuxResources()) with
        {
            Pids = cgroup.TryGetDirectory("pids", out _) ? new LinuxPids { Limit = ProcessLimit } : null,
        };
        cgroup.Apply(CgroupConversion.Limits(limits with { Memory = Memory(asked?.Memory, size) }));
    }

    /// <summary>Those of the limits of a new cgroup that systemd is told of where it makes it.</summary>
    /// <param name="asked">The configuration's limits.</param>
    /// <param name="size">The machine's size.</param>
    internal static LinuxResources ForUnit(LinuxResources? asked, MachineSize size) => new()
    {
        Memory = Memory(asked?.Memory, size),
        Cpu = asked?.Cpu is { } cpu ? new LinuxCpu { Shares = cpu.Shares, Cpus = cpu.Cpus, Mems = cpu.Mems } : null,
        Pids = new LinuxPids { Limit = ProcessLimit },
    };

    /// <summary>
    /// Sets the CPU bandwidth: the quota with the machine's allowance. Where an ancestor (a pod's cgroup of an engine) leaves no room for
    /// the allowance, which cgroup v1 refuses, the quota itself.
    /// </summary>
    /// <param name="cgroup">The sandbox's.</param>
    /// <param name="asked">The limits of the configuration or of an update; what is absent stays as it is.</param>
    internal static void ApplyBandwidth(Cgroup cgroup, LinuxResources? asked)
    {
        if (asked is null || Bandwidth(asked) is not { } cpu || (cpu.Quota, cpu.Period, cpu.Burst) is (null, null, null))
        {
            return;
        }

        (long Quota, ulong Period)? present = cpu.Quota is null || cpu.Period is null ? cgroup.ReadCpuBandwidth() : null;
        LinuxCpu widened = Widen(cpu, present);
        try
        {
            cgroup.Apply(CgroupConversion.Limits(new LinuxResources { Cpu = widened }));
        }
        catch (CgroupException cause) when (cause.Errno == Errno.EINVAL && widened.Quota != cpu.Quota && cpu.Quota > 0)
        {
            cgroup.Apply(CgroupConversion.Limits(new LinuxResources { Cpu = cpu }));
        }
    }

    /// <summary>Changes what an update names. Memory stays: the machine's RAM, fixed at its start, is the bound.</summary>
    /// <param name="cgroup">The sandbox's.</param>
    /// <param name="asked">The update's limits.</param>
    internal static void Update(Cgroup cgroup, LinuxResources asked)
    {
        cgroup.Apply(CgroupConversion.Limits(Placement(cgroup, asked) with
        {
            Memory = asked.Memory is { Swappiness: { } swappiness } ? new LinuxMemory { Swappiness = swappiness } : null,
        }));
        ApplyBandwidth(cgroup, asked);
    }

    /// <summary>The quota with the allowance.</summary>
    /// <param name="cpu">What is asked for.</param>
    /// <param name="present">What holds on the host, where only one of quota and period is asked for.</param>
    internal static LinuxCpu Widen(LinuxCpu cpu, (long Quota, ulong Period)? present)
    {
        ulong period = cpu.Period ?? present?.Period ?? DefaultPeriod;
        long? quota = cpu.Quota ?? (present is { Quota: > 0 } now ? Narrow(now) : null);
        return quota is > 0 and < long.MaxValue / 2 && period < long.MaxValue / 2
            ? cpu with { Quota = quota + (long)(period / AllowanceDivisor) }
            : cpu;
    }

    private const ulong DefaultPeriod = 100_000; // microseconds, the kernel's own

    // The container's own quota, of one that was widened. What is below the allowance was not (see ApplyBandwidth).
    private static long Narrow((long Quota, ulong Period) present)
    {
        long allowance = (long)(present.Period / AllowanceDivisor);
        return present.Quota > allowance ? present.Quota - allowance : present.Quota;
    }

    // CPUs, memory nodes, weights and block devices are the host's: what they say holds for the whole machine.
    private static LinuxResources Placement(Cgroup cgroup, LinuxResources asked) => new()
    {
        Cpu = asked.Cpu is { } cpu
            ? new LinuxCpu { Shares = cpu.Shares is > 0 ? cpu.Shares : null, Cpus = cpu.Cpus, Mems = cpu.Mems, Idle = cpu.Idle }
            : null,
        BlockIO = asked.BlockIO is { } block ? block with { Weight = block.Weight is > 0 ? block.Weight : null } : null,
        HugepageLimits = asked.HugepageLimits.Where(limit => cgroup.LimitsHugePages(limit.PageSize)),
        Unified = asked.Unified.Where(GuestResources.IsOfHost),
    };

    private static LinuxMemory? Memory(LinuxMemory? asked, MachineSize size) => asked is null ? null : new LinuxMemory
    {
        Limit = size.HostMemoryLimitBytes,
        Swappiness = asked.Swappiness,
    };

    private static LinuxCpu? Bandwidth(LinuxResources asked)
    {
        LinuxCpu cpu = asked.Cpu ?? new LinuxCpu();
        LinuxCpu bandwidth = new()
        {
            Quota = cpu.Quota is not 0 ? cpu.Quota : null,
            Period = cpu.Period is > 0 ? cpu.Period : null,
            Burst = cpu.Burst,
        };
        return asked.Unified.TryGetValue("cpu.max", out string? text) ? FromFile(text, bandwidth) : bandwidth;
    }

    // cgroup-v2.rst: "$MAX $PERIOD", either of which may be left out. A text that is none of these is refused by the guest's kernel.
    private static LinuxCpu FromFile(string text, LinuxCpu otherwise)
    {
        string[] words = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            return otherwise;
        }

        bool isMax = words[0] == "max";
        bool isNumber = long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long quota);
        bool hasPeriod = ulong.TryParse(words.Length > 1 ? words[1] : "", NumberStyles.None, CultureInfo.InvariantCulture, out ulong period);
        return otherwise with { Quota = isMax ? -1 : isNumber ? quota : otherwise.Quota, Period = hasPeriod ? period : otherwise.Period };
    }
}
