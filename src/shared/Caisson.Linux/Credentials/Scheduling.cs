using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>A scheduling policy (include/uapi/linux/sched.h).</summary>
public enum SchedulingPolicy : uint
{
    /// <summary>SCHED_OTHER, called SCHED_NORMAL in the kernel.</summary>
    Other = 0,

    /// <summary>SCHED_FIFO.</summary>
    Fifo = 1,

    /// <summary>SCHED_RR.</summary>
    RoundRobin = 2,

    /// <summary>SCHED_BATCH.</summary>
    Batch = 3,

    /// <summary>SCHED_IDLE.</summary>
    Idle = 5,

    /// <summary>SCHED_DEADLINE.</summary>
    Deadline = 6,
}

/// <summary>struct sched_attr of sched_setattr(2), version 1.</summary>
[StructLayout(LayoutKind.Sequential)]
public record struct SchedulingAttributes
{
    internal uint Size;

    /// <summary>The policy.</summary>
    public SchedulingPolicy Policy;

    /// <summary>SCHED_FLAG_*.</summary>
    public ulong Flags;

    /// <summary>For <see cref="SchedulingPolicy.Other"/> and Batch.</summary>
    public int Nice;

    /// <summary>For Fifo and RoundRobin.</summary>
    public uint Priority;

    /// <summary>For Deadline.</summary>
    public ulong RuntimeNanoseconds;

    /// <summary>For Deadline.</summary>
    public ulong DeadlineNanoseconds;

    /// <summary>For Deadline.</summary>
    public ulong PeriodNanoseconds;

    /// <summary>Utilisation clamp.</summary>
    public uint UtilisationMinimum;

    /// <summary>Utilisation clamp.</summary>
    public uint UtilisationMaximum;
}

/// <summary>An I/O scheduling class (include/uapi/linux/ioprio.h).</summary>
public enum IoPriorityClass
{
    /// <summary>By nice value.</summary>
    None = 0,

    /// <summary>IOPRIO_CLASS_RT.</summary>
    RealTime = 1,

    /// <summary>IOPRIO_CLASS_BE.</summary>
    BestEffort = 2,

    /// <summary>IOPRIO_CLASS_IDLE.</summary>
    Idle = 3,
}

/// <summary>Scheduling of processes: policy, I/O priority, processors, personality, badness for the OOM killer. Pid 0 is the calling thread.</summary>
public static class Scheduling
{
    // CONFIG_NR_CPUS is at most 8192 on x86-64.
    private const int MaxProcessors = 8192;

    /// <summary>sched_setattr(2).</summary>
    public static void SetAttributes(int pid, SchedulingAttributes attributes)
    {
        attributes.Size = 56;    // SCHED_ATTR_SIZE_VER1
        Libc.Check(Libc.sched_setattr(314, pid, in attributes, 0), $"sched_setattr({attributes.Policy})");
    }

    /// <summary>sched_setscheduler(2).</summary>
    public static void SetPolicy(int pid, SchedulingPolicy policy, int priority) =>
        Libc.Check(Libc.sched_setscheduler(pid, (int)policy, in priority), $"sched_setscheduler({policy}, {priority})");

    /// <summary>ioprio_set(2) of one process.</summary>
    public static void SetIoPriority(int pid, IoPriorityClass ioClass, int level)
    {
        const int IOPRIO_WHO_PROCESS = 1;
        Libc.Check(Libc.ioprio_set(251, IOPRIO_WHO_PROCESS, pid, ((int)ioClass << 13) | level), $"ioprio_set({ioClass}, {level})");
    }

    /// <summary>sched_setaffinity(2) with a list such as <c>0-3,7</c>.</summary>
    /// <exception cref="FormatException">Not a list of processors.</exception>
    public static void SetAffinity(int pid, string processors)
    {
        byte[] mask = ParseProcessors(processors);
        Libc.Check(Libc.sched_setaffinity(203, pid, (nuint)mask.Length, mask), $"sched_setaffinity({processors})");
    }

    /// <summary>The bit mask of a list such as <c>0-3,7</c>, a multiple of eight bytes.</summary>
    public static byte[] ParseProcessors(string list)
    {
        byte[] mask = new byte[8];
        foreach (string range in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !ushort.TryParse(ends[0], out ushort first) || !ushort.TryParse(ends[^1], out ushort last)
                || last < first || last >= MaxProcessors)
            {
                throw new FormatException($"\"{range}\" in \"{list}\" is not a processor or a range of processors");
            }

            if (last >= mask.Length * 8)
            {
                Array.Resize(ref mask, ((last / 64) + 1) * 8);
            }

            for (int i = first; i <= last; i++)
            {
                mask[i / 8] |= (byte)(1 << (i % 8));
            }
        }

        return mask;
    }

    /// <summary>personality(2).</summary>
    public static void SetPersonality(ulong persona) => Libc.Check(Libc.personality((nuint)persona), $"personality(0x{persona:x})");

    /// <summary>Writes /proc/PID/oom_score_adj, -1000 to 1000.</summary>
    /// <exception cref="SyscallException">EACCES: lowering needs CAP_SYS_RESOURCE.</exception>
    public static void SetOomScoreAdjustment(int pid, int value) =>
        SmallFile.Write(pid == 0 ? "/proc/self/oom_score_adj" : $"/proc/{pid}/oom_score_adj", value.ToString());
}
