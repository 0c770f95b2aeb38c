namespace Caisson.Linux;

/// <summary>
/// A child process described in advance as a list of system calls ending in an execve(2). The child interprets the list in a few
/// dozen bytes of machine code and never runs managed code, so it is safe in a process with any number of threads. The parent's
/// thread waits until the program is executed, and learns which call failed. Descriptors given to the methods stay the caller's.
/// </summary>
public sealed partial class PreparedClone
{
    private const long PrSetPdeathsig = 1;
    private const long PrSetNoNewPrivileges = 38;
    private const long PrDropBounding = 24;
    private const long TerminalSetControlling = 0x540E; // TIOCSCTTY
    private const int CloseRangeCloexec = 4;
    private const int LastSignal = 64;

    private readonly List<PreparedCall> _calls = [];

    // Numbers that DuplicateTo fills: descriptors that other calls use must not be there when it happens.
    private readonly HashSet<int> _targets = [];

    /// <summary>setsid(2).</summary>
    public PreparedClone Setsid() => Add("setsid", Libc.SYS_setsid);

    /// <summary>setpgid(0, 0): a process group of its own.</summary>
    public PreparedClone Setpgid() => Add("setpgid", Libc.SYS_setpgid, 0, 0);

    /// <summary>Makes a terminal the controlling one; after <see cref="Setsid"/>.</summary>
    /// <param name="terminal">The terminal.</param>
    public PreparedClone SetControllingTerminal(FileDescriptor terminal) =>
        Add("ioctl(TIOCSCTTY)", Libc.SYS_ioctl, PreparedArgument.Of(terminal), TerminalSetControlling, 0);

    /// <summary>Gives the program a descriptor under a number, not close-on-exec. Any order and any overlap of numbers is right.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="number">Its number in the program.</param>
    public PreparedClone DuplicateTo(FileDescriptor descriptor, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        _targets.Add(number);
        return Add($"dup2({number})", Libc.SYS_dup2, PreparedArgument.Of(descriptor), number);
    }

    /// <summary>Marks all descriptors from a number upwards close-on-exec; those given by <see cref="DuplicateTo"/> should be below it.</summary>
    /// <param name="first">The first number.</param>
    public PreparedClone CloseRangeFrom(int first) =>
        Add($"close_range({first})", Libc.SYS_close_range, first, uint.MaxValue, CloseRangeCloexec);

    /// <summary>setns(2).</summary>
    /// <param name="namespaces">A namespace, or a pidfd.</param>
    /// <param name="flags">The kind that is expected, or with a pidfd the kinds to join; none accepts any.</param>
    public PreparedClone Setns(FileDescriptor namespaces, CloneFlags flags) =>
        Add($"setns({flags})", Libc.SYS_setns, PreparedArgument.Of(namespaces), (long)flags);

    /// <summary>unshare(2).</summary>
    /// <param name="flags">What to unshare.</param>
    public PreparedClone Unshare(CloneFlags flags) => Add($"unshare({flags})", Libc.SYS_unshare, (long)flags);

    /// <summary>prctl(2).</summary>
    /// <param name="option">The option's number.</param>
    /// <param name="second">Its argument.</param>
    /// <param name="third">Its argument.</param>
    /// <param name="fourth">Its argument.</param>
    /// <param name="fifth">Its argument.</param>
    public PreparedClone Prctl(int option, long second = 0, long third = 0, long fourth = 0, long fifth = 0) =>
        Add($"prctl({option})", Libc.SYS_prctl, option, second, third, fourth, fifth);

    /// <summary>The signal that the child gets when the thread that starts it ends: so start it from a thread that stays.</summary>
    /// <param name="signal">The signal.</param>
    public PreparedClone DieWithParent(int signal) => Prctl((int)PrSetPdeathsig, signal);

    /// <summary>Sets no_new_privs.</summary>
    public PreparedClone SetNoNewPrivileges() => Prctl((int)PrSetNoNewPrivileges, 1);

    /// <summary>Gives every signal its default action and blocks none. .NET ignores SIGPIPE, which the program would inherit.</summary>
    public PreparedClone ResetSignals()
    {
        byte[] defaultAction = new byte[32]; // struct sigaction of the kernel, all zero: SIG_DFL, no flags
        for (int signal = 1; signal <= LastSignal; signal++)
        {
            // EINVAL for SIGKILL and SIGSTOP.
            _calls.Add(new PreparedCall($"rt_sigaction({signal})", Libc.SYS_rt_sigaction, [signal, PreparedArgument.Of(defaultAction), 0, Libc.KernelSignalSetBytes]) { MayFail = true });
        }

        return SetSignalMask(0);
    }

    /// <summary>Gives one signal its default action; handlers have none to lose, because the clone resets them.</summary>
    /// <param name="signal">One that this process ignores.</param>
    public PreparedClone ResetSignal(Signal signal) => Add(
        $"rt_sigaction({signal})", Libc.SYS_rt_sigaction, (long)signal, PreparedArgument.Of(new byte[32]), 0, Libc.KernelSignalSetBytes);

    /// <summary>Removes capabilities from the bounding set.</summary>
    /// <param name="dropped">Those that the running kernel does not know must not be in it.</param>
    public PreparedClone DropBounding(CapabilitySet dropped)
    {
        for (int capability = 0; capability < 64; capability++)
        {
            if (dropped.Contains((Capability)capability))
            {
                Prctl((int)PrDropBounding, capability);
            }
        }

        return this;
    }

    /// <summary>capset(2): sets effective, permitted and inheritable.</summary>
    /// <param name="sets">The other two are left alone.</param>
    public PreparedClone SetCapabilities(CapabilitySets sets)
    {
        byte[] header = new byte[8];
        BitConverter.TryWriteBytes(header, CapabilityHeader.Version3);
        ulong[] parts = [sets.Effective.Bits, sets.Permitted.Bits, sets.Inheritable.Bits];
        byte[] data = new byte[24];
        for (int i = 0; i < parts.Length; i++)
        {
            BitConverter.TryWriteBytes(data.AsSpan(4 * i), (uint)parts[i]);
            BitConverter.TryWriteBytes(data.AsSpan(12 + (4 * i)), (uint)(parts[i] >> 32));
        }

        return Add("capset", Libc.SYS_capset, PreparedArgument.Of(header), PreparedArgument.Of(data));
    }

    /// <summary>Sets the mask of blocked signals. Without this call or <see cref="ResetSignals"/> the child has the mask of the starting thread.</summary>
    /// <param name="blocked">Bit n-1 is signal n.</param>
    public PreparedClone SetSignalMask(ulong blocked)
    {
        _setsSignalMask = true;
        return Add("rt_sigprocmask", Libc.SYS_rt_sigprocmask, Libc.SIG_SETMASK, PreparedArgument.Of(BitConverter.GetBytes(blocked)), 0, Libc.KernelSignalSetBytes);
    }

    /// <summary>chdir(2).</summary>
    /// <param name="path">The directory.</param>
    public PreparedClone Chdir(string path) => Add($"chdir({path})", Libc.SYS_chdir, PreparedArgument.Of(path));

    /// <summary>fchdir(2).</summary>
    /// <param name="directory">The directory.</param>
    public PreparedClone Chdir(FileDescriptor directory) => Add("fchdir", Libc.SYS_fchdir, PreparedArgument.Of(directory));

    /// <summary>umask(2).</summary>
    /// <param name="mask">The mask.</param>
    public PreparedClone Umask(int mask) => Add("umask", Libc.SYS_umask, mask);

    /// <summary>Sets all three groups, then all three users, and drops the supplementary groups.</summary>
    /// <param name="uid">The user.</param>
    /// <param name="gid">The group.</param>
    public PreparedClone SetUser(uint uid, uint gid)
    {
        Add("setgroups", Libc.SYS_setgroups, 0, 0);
        Add($"setresgid({gid})", Libc.SYS_setresgid, gid, gid, gid);
        return Add($"setresuid({uid})", Libc.SYS_setresuid, uid, uid, uid);
    }

    /// <summary>Sets a resource limit.</summary>
    /// <param name="resource">RLIMIT_* of the kernel.</param>
    /// <param name="soft">The soft limit.</param>
    /// <param name="hard">The hard limit.</param>
    public PreparedClone SetLimit(int resource, ulong soft, ulong hard)
    {
        byte[] limits = new byte[16];
        BitConverter.TryWriteBytes(limits, soft);
        BitConverter.TryWriteBytes(limits.AsSpan(8), hard);
        return Add($"prlimit({resource})", Libc.SYS_prlimit64, 0, resource, PreparedArgument.Of(limits), 0);
    }

    /// <summary>execve(2): the last call.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">argv, its name first.</param>
    /// <param name="environment">The environment, as NAME=value.</param>
    public PreparedClone Execve(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment) =>
        Add($"execve({path})", Libc.SYS_execve, PreparedArgument.Of(path), PreparedArgument.Of(arguments), PreparedArgument.Of(environment));

    /// <summary>execveat(2) of an open file: the last call.</summary>
    /// <param name="file">The program.</param>
    /// <param name="arguments">argv, its name first.</param>
    /// <param name="environment">The environment, as NAME=value.</param>
    public PreparedClone Execveat(FileDescriptor file, IReadOnlyList<string> arguments, IReadOnlyList<string> environment) =>
        Add("execveat", Libc.SYS_execveat, PreparedArgument.Of(file), PreparedArgument.Of(""), PreparedArgument.Of(arguments), PreparedArgument.Of(environment), Libc.AT_EMPTY_PATH);

    private PreparedClone Add(string name, int number, params PreparedArgument[] arguments)
    {
        _calls.Add(new PreparedCall(name, number, arguments));
        return this;
    }
}
