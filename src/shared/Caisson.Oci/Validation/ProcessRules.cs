namespace Caisson.Oci;

/// <summary>Rules for a process of a container (config.md, "Process").</summary>
internal static class ProcessRules
{
    // include/uapi/linux/limits.h, NGROUPS_MAX
    private const int MaxGroups = 65536;

    // include/uapi/linux/oom.h, OOM_SCORE_ADJ_MIN and _MAX
    private const int MaxOomScoreAdj = 1000;

    internal static void Check(OciProcess process, string at, SpecVerdict verdict)
    {
        if (string.IsNullOrEmpty(process.Cwd))
        {
            verdict.Error(at + "cwd", "Cwd property must not be empty");
        }
        else if (process.Cwd[0] != '/')
        {
            verdict.Error(at + "cwd", "Cwd must be an absolute path");
        }
        if (process.Args.Count == 0)
        {
            verdict.Error(at + "args", "args must not be empty");
        }
        CheckEnvironment(process.Env, at, verdict);
        CheckRlimits(process.Rlimits, at, verdict);
        CheckCapabilities(process.Capabilities, at + "capabilities.", verdict);
        CheckScheduler(process.Scheduler, at + "scheduler.", verdict);
        CheckRanges(process, at, verdict);
    }

    private static void CheckRanges(OciProcess process, string at, SpecVerdict verdict)
    {
        // struct winsize has 16 bits; without a terminal the size is ignored, as the specification asks.
        if (process.Terminal && process.ConsoleSize is { } size && (size.Height > ushort.MaxValue || size.Width > ushort.MaxValue))
        {
            verdict.Error(at + "consoleSize", "a terminal has at most 65535 rows and columns");
        }
        if (process.User.AdditionalGids.Count > MaxGroups)
        {
            verdict.Error(at + "user.additionalGids", $"a process has at most {MaxGroups} groups");
        }
        if (process.OomScoreAdj is < -MaxOomScoreAdj or > MaxOomScoreAdj)
        {
            verdict.Error(at + "oomScoreAdj", "must be from -1000 to 1000");
        }
        if (process.IOPriority is { } io)
        {
            if (io.Priority is < 0 or > 7)
            {
                verdict.Error(at + "ioPriority.priority", $"invalid ioPriority.Priority: {io.Priority}");
            }
            if (io.Class is not ("IOPRIO_CLASS_RT" or "IOPRIO_CLASS_BE" or "IOPRIO_CLASS_IDLE"))
            {
                verdict.Error(at + "ioPriority.class", $"invalid ioPriority.Class: {Quoted.Text(io.Class)}");
            }
        }
        if (process.ExecCpuAffinity is { } affinity)
        {
            NumberList.Check(affinity.Initial, at + "execCPUAffinity.initial", verdict);
            NumberList.Check(affinity.Final, at + "execCPUAffinity.final", verdict);
        }
    }

    private static void CheckEnvironment(SpecList<string> environment, string at, SpecVerdict verdict)
    {
        for (int i = 0; i < environment.Count; i++)
        {
            int equals = environment[i].IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                string what = equals < 0 ? "missing '='" : "name cannot be empty";
                verdict.Error($"{at}env[{i}]", $"invalid environment variable: {what}");
            }
        }
    }

    private static void CheckRlimits(SpecList<OciRlimit> rlimits, string at, SpecVerdict verdict)
    {
        uint seen = 0;
        for (int i = 0; i < rlimits.Count; i++)
        {
            int number = KernelNames.Rlimits.AsSpan().IndexOf(rlimits[i].Type);
            if (number < 0)
            {
                verdict.Error($"{at}rlimits[{i}].type", $"wrong rlimit value: {Quoted.Text(rlimits[i].Type)}");
                continue;
            }
            if ((seen & (1u << number)) != 0)
            {
                verdict.Error($"{at}rlimits[{i}].type", $"{rlimits[i].Type} comes a second time");
            }
            if (rlimits[i].Soft > rlimits[i].Hard)
            {
                verdict.Error($"{at}rlimits[{i}].soft", "the soft limit is above the hard one");
            }
            seen |= 1u << number;
        }
    }

    // As in runc a name that is not known is passed over: it may be newer than we are, and it grants nothing.
    private static void CheckCapabilities(OciCapabilities? capabilities, string at, SpecVerdict verdict)
    {
        if (capabilities is null)
        {
            return;
        }
        CheckSet(capabilities.Bounding, at, "bounding", verdict);
        CheckSet(capabilities.Effective, at, "effective", verdict);
        CheckSet(capabilities.Inheritable, at, "inheritable", verdict);
        CheckSet(capabilities.Permitted, at, "permitted", verdict);
        CheckSet(capabilities.Ambient, at, "ambient", verdict);
    }

    private static void CheckSet(SpecList<string> names, string at, string set, SpecVerdict verdict)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (!KernelNames.Capabilities.Contains(names[i]))
            {
                verdict.Warn($"{at}{set}[{i}]", $"ignoring unknown or unavailable capability {Quoted.Text(names[i])}");
            }
        }
    }

    private static void CheckScheduler(OciScheduler? scheduler, string at, SpecVerdict verdict)
    {
        if (scheduler is null)
        {
            return;
        }
        string policy = scheduler.Policy;
        if (!KernelNames.SchedulerPolicies.Contains(policy))
        {
            verdict.Error(at + "policy", $"invalid scheduler policy: {Quoted.Text(policy)}");
            return;
        }
        if (policy is "SCHED_OTHER" or "SCHED_BATCH" && scheduler.Nice is < -20 or > 19)
        {
            verdict.Error(at + "nice", $"invalid scheduler.nice: {scheduler.Nice} when scheduler.policy is {policy}");
        }
        if (scheduler.Priority != 0 && policy is not ("SCHED_FIFO" or "SCHED_RR"))
        {
            verdict.Error(at + "priority", "scheduler.priority can only be specified for SchedFIFO or SchedRR policy");
        }
        if (policy != "SCHED_DEADLINE" && (scheduler.Runtime | scheduler.Deadline | scheduler.Period) != 0)
        {
            verdict.Error(at + "runtime", "scheduler runtime/deadline/period can only be specified for SchedDeadline policy");
        }
        for (int i = 0; i < scheduler.Flags.Count; i++)
        {
            if (!KernelNames.SchedulerFlags.Contains(scheduler.Flags[i]))
            {
                verdict.Error($"{at}flags[{i}]", $"invalid scheduler flag: {Quoted.Text(scheduler.Flags[i])}");
            }
        }
    }
}
