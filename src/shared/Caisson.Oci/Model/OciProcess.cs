namespace Caisson.Oci;

/// <summary>A process of the container: its first one, or one added by exec.</summary>
public sealed partial record OciProcess
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciProcess() { }

    /// <summary>Does it get a pseudo terminal?</summary>
    public bool Terminal { get; init; }

    /// <summary>The terminal's first size.</summary>
    public OciConsoleSize? ConsoleSize { get; init; }

    /// <summary>The working directory, absolute.</summary>
    public string? Cwd { get; init; }

    /// <summary>The environment, NAME=value.</summary>
    public SpecList<string> Env { get; init; } = [];

    /// <summary>The program and its arguments.</summary>
    public SpecList<string> Args { get; init; } = [];

    /// <summary>The user the process runs as.</summary>
    public OciUser User { get; init; } = new();

    /// <summary>Resource limits; each type at most once.</summary>
    public SpecList<OciRlimit> Rlimits { get; init; } = [];

    /// <summary>The capability sets; none when absent.</summary>
    public OciCapabilities? Capabilities { get; init; }

    /// <summary>The AppArmor profile.</summary>
    public string? ApparmorProfile { get; init; }

    /// <summary>The SELinux label.</summary>
    public string? SelinuxLabel { get; init; }

    /// <summary>Is gaining privileges by execve(2) ruled out?</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>Written to /proc/self/oom_score_adj; inherited when absent.</summary>
    public int? OomScoreAdj { get; init; }

    /// <summary>Scheduling attributes, sched_setattr(2).</summary>
    public OciScheduler? Scheduler { get; init; }

    /// <summary>I/O priority, ioprio_set(2).</summary>
    public OciIOPriority? IOPriority { get; init; }

    /// <summary>The CPUs of an exec process before and after it moves into the cgroup.</summary>
    public OciCpuAffinity? ExecCpuAffinity { get; init; }
}

/// <summary>The size of a terminal, in characters.</summary>
public sealed partial record OciConsoleSize
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciConsoleSize() { }

    /// <summary>Rows.</summary>
    public uint Height { get; init; }

    /// <summary>Columns.</summary>
    public uint Width { get; init; }
}

/// <summary>The user and groups of a process, as seen inside the container.</summary>
public sealed partial record OciUser
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciUser() { }

    /// <summary>User id.</summary>
    public uint Uid { get; init; }

    /// <summary>Group id.</summary>
    public uint Gid { get; init; }

    /// <summary>The umask; the runtime's own default when absent.</summary>
    public uint? Umask { get; init; }

    /// <summary>Further groups.</summary>
    public SpecList<uint> AdditionalGids { get; init; } = [];

    /// <summary>A name; the specification has it for Windows, it is kept and not looked up.</summary>
    public string? Username { get; init; }
}

/// <summary>One resource limit, setrlimit(2).</summary>
public sealed partial record OciRlimit
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciRlimit() { }

    /// <summary>The limit, e.g. RLIMIT_NOFILE.</summary>
    public string Type { get; init; } = "";

    /// <summary>The ceiling.</summary>
    public ulong Hard { get; init; }

    /// <summary>The value in force.</summary>
    public ulong Soft { get; init; }
}

/// <summary>The five capability sets of a process, by name, capabilities(7).</summary>
public sealed partial record OciCapabilities
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciCapabilities() { }

    /// <summary>What execve(2) can grant at most.</summary>
    public SpecList<string> Bounding { get; init; } = [];

    /// <summary>What the kernel checks.</summary>
    public SpecList<string> Effective { get; init; } = [];

    /// <summary>What files with inheritable capabilities can grant.</summary>
    public SpecList<string> Inheritable { get; init; } = [];

    /// <summary>What can be made effective.</summary>
    public SpecList<string> Permitted { get; init; } = [];

    /// <summary>What an ordinary program keeps over execve(2).</summary>
    public SpecList<string> Ambient { get; init; } = [];
}

/// <summary>Scheduling attributes, sched_setattr(2).</summary>
public sealed partial record OciScheduler
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciScheduler() { }

    /// <summary>The policy, e.g. SCHED_FIFO.</summary>
    public string Policy { get; init; } = "";

    /// <summary>The nice value.</summary>
    public int Nice { get; init; }

    /// <summary>The static priority.</summary>
    public int Priority { get; init; }

    /// <summary>Flags, e.g. SCHED_FLAG_RESET_ON_FORK.</summary>
    public SpecList<string> Flags { get; init; } = [];

    /// <summary>SCHED_DEADLINE: run time per period, in nanoseconds.</summary>
    public ulong Runtime { get; init; }

    /// <summary>SCHED_DEADLINE: the deadline, in nanoseconds.</summary>
    public ulong Deadline { get; init; }

    /// <summary>SCHED_DEADLINE: the period, in nanoseconds.</summary>
    public ulong Period { get; init; }
}

/// <summary>I/O priority, ioprio_set(2).</summary>
public sealed partial record OciIOPriority
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciIOPriority() { }

    /// <summary>The class: IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE.</summary>
    public string Class { get; init; } = "";

    /// <summary>The priority within the class, 0 to 7.</summary>
    public int Priority { get; init; }
}

/// <summary>The CPUs an exec process runs on, as lists such as 0-3,7.</summary>
public sealed partial record OciCpuAffinity
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciCpuAffinity() { }

    /// <summary>Before the process is moved into the container's cgroup.</summary>
    public string? Initial { get; init; }

    /// <summary>After it was moved.</summary>
    public string? Final { get; init; }
}
