namespace Caisson.Linux;

/// <summary>What the kernel does with a system call: SECCOMP_RET_* (include/uapi/linux/seccomp.h).</summary>
public enum SeccompActionKind : uint
{
    /// <summary>The thread ends, as by SIGSYS.</summary>
    KillThread = 0x00000000,

    /// <summary>The call fails with <see cref="SeccompAction.Value"/> as errno.</summary>
    Errno = 0x00050000,

    /// <summary>The thread gets SIGSYS, which it can handle.</summary>
    Trap = 0x00030000,

    /// <summary>A supervisor that holds the listener decides.</summary>
    Notify = 0x7fc00000,

    /// <summary>A tracer decides; <see cref="SeccompAction.Value"/> is its message. ENOSYS without a tracer.</summary>
    Trace = 0x7ff00000,

    /// <summary>The call runs and is logged.</summary>
    Log = 0x7ffc0000,

    /// <summary>The call runs.</summary>
    Allow = 0x7fff0000,

    /// <summary>The process ends, as by SIGSYS.</summary>
    KillProcess = 0x80000000,
}

/// <summary>An action with its value.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Value">The errno of <see cref="SeccompActionKind.Errno"/>, the message of <see cref="SeccompActionKind.Trace"/>; else 0.</param>
public readonly record struct SeccompAction(SeccompActionKind Kind, ushort Value = 0)
{
    /// <summary>Whether a call runs, or somebody decides who may let it run.</summary>
    public bool IsPermissive => Kind is SeccompActionKind.Allow or SeccompActionKind.Log or SeccompActionKind.Trace or SeccompActionKind.Notify;

    internal uint ReturnValue => (uint)Kind | Value;
}

/// <summary>A comparison of an argument, unsigned, 64 bits.</summary>
public enum SeccompOperator
{
    /// <summary>The argument differs from the value.</summary>
    NotEqual,

    /// <summary>It is less.</summary>
    Less,

    /// <summary>It is less or equal.</summary>
    LessOrEqual,

    /// <summary>It is equal.</summary>
    Equal,

    /// <summary>It is greater or equal.</summary>
    GreaterOrEqual,

    /// <summary>It is greater.</summary>
    Greater,

    /// <summary>The argument's bits that are set in Value are those of SecondValue.</summary>
    MaskedEqual,
}

/// <summary>An architecture whose calls an x86-64 kernel serves.</summary>
public enum SeccompArchitecture
{
    /// <summary>x86-64, always part of a filter here.</summary>
    X64,

    /// <summary>i386 programs.</summary>
    X86,

    /// <summary>x86-64 with 32-bit pointers.</summary>
    X32,
}

/// <summary>The flags of seccomp(2), SECCOMP_FILTER_FLAG_*.</summary>
[Flags]
public enum SeccompFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>TSYNC: every thread of the process gets the filter.</summary>
    SynchronizeThreads = 1,

    /// <summary>LOG: all actions but allow are logged where the administrator wants it.</summary>
    Log = 2,

    /// <summary>SPEC_ALLOW: no mitigation of speculative store bypass.</summary>
    AllowSpeculation = 4,

    /// <summary>WAIT_KILLABLE_RECV: a notified thread can be interrupted by deadly signals only (Linux 5.19).</summary>
    WaitKillable = 32,
}

/// <summary>A condition on one argument.</summary>
/// <param name="Index">0 to 5.</param>
/// <param name="Operator">The comparison.</param>
/// <param name="Value">The right side; for <see cref="SeccompOperator.MaskedEqual"/> the mask.</param>
/// <param name="SecondValue">For <see cref="SeccompOperator.MaskedEqual"/> the right side.</param>
public readonly record struct SeccompCondition(int Index, SeccompOperator Operator, ulong Value, ulong SecondValue = 0);

/// <summary>An action for some system calls.</summary>
/// <param name="Names">Names; those that an architecture does not have are left out for it.</param>
/// <param name="Action">What happens.</param>
/// <param name="Conditions">All must hold. Where two are on the same argument each stands alone, as runc and crun have it.</param>
public sealed record SeccompRule(IReadOnlyList<string> Names, SeccompAction Action, IReadOnlyList<SeccompCondition> Conditions);

/// <summary>A filter as people write it; <see cref="Seccomp.Compile"/> makes the kernel's form.</summary>
public sealed record SeccompProfile
{
    /// <summary>For calls that no rule matches.</summary>
    public required SeccompAction DefaultAction { get; init; }

    /// <summary>Architectures beside x86-64. A call of any other kills the thread, as libseccomp has it.</summary>
    public IReadOnlyList<SeccompArchitecture> Architectures { get; init; } = [];

    /// <summary>
    /// The rules. As in libseccomp: for one call, the first rule without conditions beats all rules with conditions; among those with
    /// conditions, the first that matches counts here; rules that only repeat the default action are left out.
    /// </summary>
    public IReadOnlyList<SeccompRule> Rules { get; init; } = [];

    /// <summary>
    /// Whether calls with numbers above every call that the rules name fail with ENOSYS instead of a forbidding default action, so that a C
    /// library newer than the profile falls back to older calls. runc does so too.
    /// </summary>
    public bool NewerCallsAreUnknown { get; init; } = true;
}
