using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Resource limits, scheduling and personality of a process.</summary>
internal static class ProcessLimits
{
    // uapi/linux/personality.h.
    private const ulong PER_LINUX = 0;
    private const ulong PER_LINUX32 = 8;

    internal static void Apply(OciProcess process)
    {
        foreach (OciRlimit limit in process.Rlimits)
        {
            ApplyLimit(limit);
        }

        if (process.Scheduler is { } scheduler)
        {
            Scheduling.SetAttributes(0, AttributesOf(scheduler));
        }

        if (process.IOPriority is { } priority)
        {
            Scheduling.SetIoPriority(0, ClassOf(priority.Class), priority.Priority);
        }
    }

    internal static void ApplyPersonality(LinuxPersonality? personality)
    {
        if (personality is null)
        {
            return;
        }

        if (personality.Flags.Count > 0)
        {
            throw new ContainerException("personality flags are not supported: the specification defines none", Errno.EINVAL);
        }

        Scheduling.SetPersonality(personality.Domain switch
        {
            "LINUX" => PER_LINUX,
            "LINUX32" => PER_LINUX32,
            _ => throw new ContainerException($"unknown personality domain {personality.Domain}", Errno.EINVAL),
        });
    }

    private static void ApplyLimit(OciRlimit limit)
    {
        if (!ResourceLimits.TryParse(limit.Type, out ResourceLimit resource))
        {
            throw new ContainerException($"invalid rlimit type: {limit.Type}", Errno.EINVAL);
        }

        try
        {
            ResourceLimits.Set(0, resource, new ResourceLimitPair(limit.Soft, limit.Hard));
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EPERM)
        {
            ResourceLimitPair present = ResourceLimits.Get(0, resource);
            throw new ContainerException(
                $"error setting rlimit type {(int)resource}: operation not permitted ({limit.Type} {limit.Hard} is above the hard limit {present.Hard}, and CAP_SYS_RESOURCE is missing)",
                Errno.EPERM,
                cause);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"error setting rlimit type {(int)resource}", cause.Errno);
        }
    }

    private static SchedulingAttributes AttributesOf(OciScheduler scheduler) => new()
    {
        Policy = scheduler.Policy switch
        {
            "SCHED_OTHER" => SchedulingPolicy.Other,
            "SCHED_FIFO" => SchedulingPolicy.Fifo,
            "SCHED_RR" => SchedulingPolicy.RoundRobin,
            "SCHED_BATCH" => SchedulingPolicy.Batch,
            "SCHED_IDLE" => SchedulingPolicy.Idle,
            "SCHED_DEADLINE" => SchedulingPolicy.Deadline,
            _ => throw new ContainerException($"invalid scheduler policy: {scheduler.Policy}", Errno.EINVAL),
        },
        Flags = FlagsOf(scheduler.Flags),
        Nice = scheduler.Nice,
        Priority = (uint)scheduler.Priority,
        RuntimeNanoseconds = scheduler.Runtime,
        DeadlineNanoseconds = scheduler.Deadline,
        PeriodNanoseconds = scheduler.Period,
    };

    // uapi/linux/sched.h, SCHED_FLAG_*.
    private static ulong FlagsOf(SpecList<string> names)
    {
        ulong flags = 0;
        foreach (string name in names)
        {
            flags |= name switch
            {
                "SCHED_FLAG_RESET_ON_FORK" => 0x01,
                "SCHED_FLAG_RECLAIM" => 0x02,
                "SCHED_FLAG_DL_OVERRUN" => 0x04,
                "SCHED_FLAG_KEEP_POLICY" => 0x08,
                "SCHED_FLAG_KEEP_PARAMS" => 0x10,
                "SCHED_FLAG_UTIL_CLAMP_MIN" => 0x20,
                "SCHED_FLAG_UTIL_CLAMP_MAX" => 0x40,
                _ => throw new ContainerException($"invalid scheduler flag: {name}", Errno.EINVAL),
            };
        }

        return flags;
    }

    private static IoPriorityClass ClassOf(string name) => name switch
    {
        "IOPRIO_CLASS_RT" => IoPriorityClass.RealTime,
        "IOPRIO_CLASS_BE" => IoPriorityClass.BestEffort,
        "IOPRIO_CLASS_IDLE" => IoPriorityClass.Idle,
        _ => throw new ContainerException($"invalid ioPriority.class: {name}", Errno.EINVAL),
    };
}
