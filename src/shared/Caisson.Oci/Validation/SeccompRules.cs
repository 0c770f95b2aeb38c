namespace Caisson.Oci;

/// <summary>Rules for the filter of system calls (config-linux.md, "Seccomp").</summary>
internal static class SeccompRules
{
    // The kernel passes six registers (struct seccomp_data).
    private const uint MaxArgument = 5;

    // include/linux/err.h, MAX_ERRNO: the kernel cuts larger ones down to it.
    private const uint MaxErrno = 4095;

    private const string Notify = "SCMP_ACT_NOTIFY";

    internal static void Check(LinuxSeccomp? seccomp, SpecVerdict verdict)
    {
        if (seccomp is null)
        {
            return;
        }
        CheckNames(seccomp.Architectures, KernelNames.SeccompArchitectures, "linux.seccomp.architectures", "arch", verdict);
        CheckNames(seccomp.Flags, KernelNames.SeccompFlags, "linux.seccomp.flags", "flag", verdict);
        CheckAction(seccomp.DefaultAction, seccomp.DefaultErrnoRet, "linux.seccomp.defaultAction", "linux.seccomp.defaultErrnoRet", verdict);
        if (seccomp.DefaultAction == Notify)
        {
            verdict.Error("linux.seccomp.defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action");
        }
        bool isNotifying = false;
        for (int i = 0; i < seccomp.Syscalls.Count; i++)
        {
            isNotifying |= seccomp.Syscalls[i].Action == Notify;
            CheckRule(seccomp.Syscalls[i], $"linux.seccomp.syscalls[{i}]", verdict);
        }
        if (isNotifying && seccomp.ListenerPath is null)
        {
            verdict.Error("linux.seccomp.listenerPath", "seccomp listenerPath is not set");
        }
        if (seccomp.ListenerMetadata is not null && seccomp.ListenerPath is null)
        {
            verdict.Error("linux.seccomp.listenerMetadata", "must not be set without listenerPath");
        }
    }

    private static void CheckRule(LinuxSyscall rule, string at, SpecVerdict verdict)
    {
        if (rule.Names.Count == 0)
        {
            verdict.Error(at + ".names", "must name at least one system call");
        }
        CheckAction(rule.Action, rule.ErrnoRet, at + ".action", at + ".errnoRet", verdict);
        // Whoever answers the notification needs write themselves: the container could never be told to go on.
        if (rule.Action == Notify && rule.Names.Contains("write"))
        {
            verdict.Error(at + ".names", "SCMP_ACT_NOTIFY cannot be used for the write syscall");
        }
        for (int i = 0; i < rule.Args.Count; i++)
        {
            if (rule.Args[i].Index > MaxArgument)
            {
                verdict.Error($"{at}.args[{i}].index", "must be from 0 to 5");
            }
            if (!KernelNames.SeccompOperators.Contains(rule.Args[i].Op))
            {
                verdict.Error($"{at}.args[{i}].op", $"string {Quoted.Text(rule.Args[i].Op)} is not a valid operator for seccomp");
            }
        }
    }

    private static void CheckAction(string action, uint? errno, string at, string errnoAt, SpecVerdict verdict)
    {
        if (!KernelNames.SeccompActions.Contains(action))
        {
            verdict.Error(at, $"string {Quoted.Text(action)} is not a valid action for seccomp");
        }
        else if (errno is not null && action is not ("SCMP_ACT_ERRNO" or "SCMP_ACT_TRACE"))
        {
            verdict.Error(errnoAt, $"{action} has no errno");
        }
        else if (errno > (action == "SCMP_ACT_ERRNO" ? MaxErrno : ushort.MaxValue))
        {
            verdict.Error(errnoAt, "is too large for an errno");
        }
    }

    private static void CheckNames(SpecList<string> names, SpecList<string> known, string at, string kind, SpecVerdict verdict)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (!known.Contains(names[i]))
            {
                verdict.Error($"{at}[{i}]", $"string {Quoted.Text(names[i])} is not a valid {kind} for seccomp");
            }
        }
    }
}
