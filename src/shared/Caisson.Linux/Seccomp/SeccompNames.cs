namespace Caisson.Linux;

/// <summary>libseccomp's spelling, which configurations use.</summary>
public static class SeccompNames
{
    /// <summary>Reads <c>SCMP_ACT_ERRNO</c> and the like; SCMP_ACT_KILL is SCMP_ACT_KILL_THREAD.</summary>
    public static bool TryParseAction(string name, out SeccompActionKind kind)
    {
        SeccompActionKind? found = name switch
        {
            "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => SeccompActionKind.KillThread,
            "SCMP_ACT_KILL_PROCESS" => SeccompActionKind.KillProcess,
            "SCMP_ACT_TRAP" => SeccompActionKind.Trap,
            "SCMP_ACT_ERRNO" => SeccompActionKind.Errno,
            "SCMP_ACT_TRACE" => SeccompActionKind.Trace,
            "SCMP_ACT_ALLOW" => SeccompActionKind.Allow,
            "SCMP_ACT_LOG" => SeccompActionKind.Log,
            "SCMP_ACT_NOTIFY" => SeccompActionKind.Notify,
            _ => null,
        };
        kind = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Reads <c>SCMP_CMP_EQ</c> and the like.</summary>
    public static bool TryParseOperator(string name, out SeccompOperator comparison)
    {
        SeccompOperator? found = name switch
        {
            "SCMP_CMP_NE" => SeccompOperator.NotEqual,
            "SCMP_CMP_LT" => SeccompOperator.Less,
            "SCMP_CMP_LE" => SeccompOperator.LessOrEqual,
            "SCMP_CMP_EQ" => SeccompOperator.Equal,
            "SCMP_CMP_GE" => SeccompOperator.GreaterOrEqual,
            "SCMP_CMP_GT" => SeccompOperator.Greater,
            "SCMP_CMP_MASKED_EQ" => SeccompOperator.MaskedEqual,
            _ => null,
        };
        comparison = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Reads <c>SCMP_ARCH_X86_64</c>, <c>SCMP_ARCH_X86</c> or <c>SCMP_ARCH_X32</c>; no other can occur on this kernel.</summary>
    public static bool TryParseArchitecture(string name, out SeccompArchitecture architecture)
    {
        SeccompArchitecture? found = name switch
        {
            "SCMP_ARCH_X86_64" => SeccompArchitecture.X64,
            "SCMP_ARCH_X86" => SeccompArchitecture.X86,
            "SCMP_ARCH_X32" => SeccompArchitecture.X32,
            _ => null,
        };
        architecture = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>Reads <c>SECCOMP_FILTER_FLAG_LOG</c> and the like.</summary>
    public static bool TryParseFlag(string name, out SeccompFlags flag)
    {
        flag = name switch
        {
            "SECCOMP_FILTER_FLAG_TSYNC" => SeccompFlags.SynchronizeThreads,
            "SECCOMP_FILTER_FLAG_LOG" => SeccompFlags.Log,
            "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => SeccompFlags.AllowSpeculation,
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => SeccompFlags.WaitKillable,
            _ => SeccompFlags.None,
        };
        return flag != SeccompFlags.None;
    }
}
