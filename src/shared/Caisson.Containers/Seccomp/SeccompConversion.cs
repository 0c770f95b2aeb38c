using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>From <c>linux.seccomp</c> to the profile that Caisson.Linux compiles.</summary>
internal static class SeccompConversion
{
    // Seccomp errno where a rule names none (runtime specification, defaultErrnoRet).
    private const uint DefaultErrno = (uint)Errno.EPERM;

    // libseccomp refuses a larger errno; so does the kernel's 12-bit space of errors.
    private const uint MaxErrno = 4095;

    internal static SeccompProfile Profile(LinuxSeccomp seccomp)
    {
        var rules = new List<SeccompRule>(seccomp.Syscalls.Count);
        foreach (LinuxSyscall rule in seccomp.Syscalls)
        {
            SeccompAction action = ActionOf(rule.Action, rule.ErrnoRet);
            if (action.Kind == SeccompActionKind.Notify && rule.Names.Contains("write"))
            {
                // Init tells the listener's number by write(2), before anybody can answer for it.
                throw new ContainerException("SCMP_ACT_NOTIFY cannot be used for the write syscall", Errno.EINVAL);
            }

            rules.Add(new SeccompRule(rule.Names, action, Conditions(rule.Args)));
        }

        SeccompAction fallback = ActionOf(seccomp.DefaultAction, seccomp.DefaultErrnoRet);
        if (fallback.Kind == SeccompActionKind.Notify)
        {
            throw new ContainerException("SCMP_ACT_NOTIFY cannot be used as default action", Errno.EINVAL);
        }

        return new SeccompProfile
        {
            DefaultAction = fallback,
            Architectures = Architectures(seccomp.Architectures),
            Rules = rules,
        };
    }

    internal static SeccompFlags Flags(LinuxSeccomp seccomp)
    {
        SeccompFlags flags = SeccompFlags.None;
        foreach (string name in seccomp.Flags)
        {
            flags |= SeccompNames.TryParseFlag(name, out SeccompFlags flag)
                ? flag
                : throw new ContainerException($"seccomp flags not supported: {name}", Errno.EINVAL);
        }

        return flags;
    }

    private static SeccompAction ActionOf(string name, uint? errno)
    {
        if (!SeccompNames.TryParseAction(name, out SeccompActionKind kind))
        {
            throw new ContainerException($"string {name} is not a valid action for seccomp", Errno.EINVAL);
        }

        uint value = errno ?? DefaultErrno;
        return kind is SeccompActionKind.Errno or SeccompActionKind.Trace
            ? value <= MaxErrno ? new SeccompAction(kind, (ushort)value)
                : throw new ContainerException($"seccomp errnoRet {value} is larger than {MaxErrno}", Errno.EINVAL)
            : new SeccompAction(kind);
    }

    private static List<SeccompCondition> Conditions(SpecList<LinuxSeccompArg> arguments)
    {
        var conditions = new List<SeccompCondition>(arguments.Count);
        foreach (LinuxSeccompArg argument in arguments)
        {
            conditions.Add(SeccompNames.TryParseOperator(argument.Op, out SeccompOperator comparison)
                ? new SeccompCondition((int)argument.Index, comparison, argument.Value, argument.ValueTwo)
                : throw new ContainerException($"string {argument.Op} is not a valid operator for seccomp", Errno.EINVAL));
        }

        return conditions;
    }

    // Engines list every architecture of the world; those that cannot occur on this kernel are nothing to filter.
    private static List<SeccompArchitecture> Architectures(SpecList<string> names)
    {
        var architectures = new List<SeccompArchitecture>(names.Count);
        foreach (string name in names)
        {
            if (SeccompNames.TryParseArchitecture(name, out SeccompArchitecture architecture))
            {
                architectures.Add(architecture);
            }
        }

        return architectures;
    }
}
