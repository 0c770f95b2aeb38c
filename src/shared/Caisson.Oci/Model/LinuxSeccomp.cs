namespace Caisson.Oci;

/// <summary>The filter of system calls, seccomp(2).</summary>
public sealed partial record LinuxSeccomp
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxSeccomp() { }

    /// <summary>For calls no rule names, e.g. SCMP_ACT_ERRNO.</summary>
    public string DefaultAction { get; init; } = "";

    /// <summary>The errno of that action; EPERM when absent.</summary>
    public uint? DefaultErrnoRet { get; init; }

    /// <summary>The ABIs the filter covers, e.g. SCMP_ARCH_X86_64; the native one always.</summary>
    public SpecList<string> Architectures { get; init; } = [];

    /// <summary>Flags of the filter; SECCOMP_FILTER_FLAG_SPEC_ALLOW when absent in runc.</summary>
    public SpecList<string> Flags { get; init; } = [];

    /// <summary>The UNIX socket that is sent the notification descriptor.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>Text for the listener.</summary>
    public string? ListenerMetadata { get; init; }

    /// <summary>The rules.</summary>
    public SpecList<LinuxSyscall> Syscalls { get; init; } = [];
}

/// <summary>One rule of the filter.</summary>
public sealed partial record LinuxSyscall
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxSyscall() { }

    /// <summary>System calls by name; those not known are passed over.</summary>
    public SpecList<string> Names { get; init; } = [];

    /// <summary>What happens to them.</summary>
    public string Action { get; init; } = "";

    /// <summary>The errno of the action.</summary>
    public uint? ErrnoRet { get; init; }

    /// <summary>Conditions on arguments.</summary>
    public SpecList<LinuxSeccompArg> Args { get; init; } = [];
}

/// <summary>One condition on an argument.</summary>
public sealed partial record LinuxSeccompArg
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public LinuxSeccompArg() { }

    /// <summary>Which argument, 0 to 5.</summary>
    public uint Index { get; init; }

    /// <summary>The value; the mask of SCMP_CMP_MASKED_EQ.</summary>
    public ulong Value { get; init; }

    /// <summary>The comparison, e.g. SCMP_CMP_EQ.</summary>
    public string Op { get; init; } = "";

    /// <summary>The value under the mask.</summary>
    public ulong ValueTwo { get; init; }
}
