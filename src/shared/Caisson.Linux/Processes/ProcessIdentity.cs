using System.Buffers.Text;
using System.Globalization;

namespace Caisson.Linux;

/// <summary>A process told apart from later ones with the same pid by the clock tick it started at. Valid within one <see cref="BootId"/>.</summary>
/// <param name="Pid">The pid in the pid namespace of the /proc that was read.</param>
/// <param name="StartTimeTicks">Field 22 of /proc/PID/stat: clock ticks after boot.</param>
public readonly record struct ProcessIdentity(int Pid, ulong StartTimeTicks)
{
    // pid, 16 bytes of comm, and 50 numbers of at most 20 digits fit in 1.2 KB.
    private const int StatBytes = 2048;
    private const int FieldsFromStateToStartTime = 19;

    /// <summary>This process's pid, from the kernel each time: the runtime remembers its own, and a managed clone would take it for its parent.</summary>
    public static int OwnPid => (int)Libc.syscall(39 /* getpid */);

    /// <summary>This process.</summary>
    public static ProcessIdentity OfSelf() => Read(OwnPid);

    /// <summary>Whether this very process still runs. A zombie is dead.</summary>
    public bool IsAlive => TryReadStat(Pid, out ulong started, out char state, out _) && started == StartTimeTicks && state is not ('Z' or 'X');

    /// <summary>Reads the identity of the process that has this pid now.</summary>
    /// <param name="pid">The pid.</param>
    public static ProcessIdentity Read(int pid) =>
        TryRead(pid, out ProcessIdentity identity, out Errno why) ? identity : throw new SyscallException($"read(/proc/{pid}/stat)", why);

    /// <summary>Reads the identity of the process that has this pid now; ENOENT or ESRCH when there is none.</summary>
    /// <param name="pid">The pid.</param>
    /// <param name="identity">The identity.</param>
    /// <param name="why">The error.</param>
    public static bool TryRead(int pid, out ProcessIdentity identity, out Errno why)
    {
        bool read = TryReadStat(pid, out ulong started, out _, out why);
        identity = read ? new ProcessIdentity(pid, started) : default;
        return read;
    }

    private static bool TryReadStat(int pid, out ulong started, out char state, out Errno why)
    {
        started = 0;
        state = '\0';
        Span<byte> stat = stackalloc byte[StatBytes];
        if (!SmallFile.TryReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), stat, out int length, out why) || length == 0)
        {
            why = why == Errno.None ? Errno.ESRCH : why;
            return false;
        }

        // The command name is in parentheses and may itself contain any byte, parentheses too: fields count from the last one.
        ReadOnlySpan<byte> rest = stat[..length];
        rest = rest[(rest.LastIndexOf((byte)')') + 2)..];
        state = (char)rest[0];
        for (int field = 0; field < FieldsFromStateToStartTime; field++)
        {
            rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        }

        return Utf8Parser.TryParse(rest, out started, out _);
    }
}
