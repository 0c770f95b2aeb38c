#pragma warning disable CS1591 // The kernel's names document themselves: signal(7).
namespace Caisson.Linux;

/// <summary>A signal of x86-64. Real-time signals are numbers from 34 (glibc's SIGRTMIN) to 64.</summary>
public enum Signal
{
    /// <summary>No signal: kill(2) only checks.</summary>
    None = 0,
    SIGHUP = 1,
    SIGINT = 2,
    SIGQUIT = 3,
    SIGILL = 4,
    SIGTRAP = 5,
    SIGABRT = 6,
    SIGBUS = 7,
    SIGFPE = 8,
    SIGKILL = 9,
    SIGUSR1 = 10,
    SIGSEGV = 11,
    SIGUSR2 = 12,
    SIGPIPE = 13,
    SIGALRM = 14,
    SIGTERM = 15,
    SIGSTKFLT = 16,
    SIGCHLD = 17,
    SIGCONT = 18,
    SIGSTOP = 19,
    SIGTSTP = 20,
    SIGTTIN = 21,
    SIGTTOU = 22,
    SIGURG = 23,
    SIGXCPU = 24,
    SIGXFSZ = 25,
    SIGVTALRM = 26,
    SIGPROF = 27,
    SIGWINCH = 28,
    SIGIO = 29,
    SIGPWR = 30,
    SIGSYS = 31,
    SIGRTMIN = 34,
    SIGRTMAX = 64,
}

/// <summary>Names of signals, as kill commands take them.</summary>
public static class SignalNames
{
    /// <summary>The name, such as <c>SIGTERM</c> or <c>SIGRTMIN+3</c>.</summary>
    public static string Name(this Signal signal) => signal switch
    {
        > Signal.SIGRTMIN and < Signal.SIGRTMAX => $"SIGRTMIN+{signal - Signal.SIGRTMIN}",
        _ => Enum.IsDefined(signal) ? signal.ToString() : ((int)signal).ToString(),
    };

    /// <summary>What the signal means, in the words that Go's os/exec and so runc's messages have for it.</summary>
    public static string Description(this Signal signal) => signal switch
    {
        Signal.SIGHUP => "hangup",
        Signal.SIGINT => "interrupt",
        Signal.SIGQUIT => "quit",
        Signal.SIGILL => "illegal instruction",
        Signal.SIGTRAP => "trace/breakpoint trap",
        Signal.SIGABRT => "aborted",
        Signal.SIGBUS => "bus error",
        Signal.SIGFPE => "floating point exception",
        Signal.SIGKILL => "killed",
        Signal.SIGUSR1 => "user defined signal 1",
        Signal.SIGSEGV => "segmentation fault",
        Signal.SIGUSR2 => "user defined signal 2",
        Signal.SIGPIPE => "broken pipe",
        Signal.SIGALRM => "alarm clock",
        Signal.SIGTERM => "terminated",
        Signal.SIGXCPU => "CPU time limit exceeded",
        Signal.SIGXFSZ => "file size limit exceeded",
        Signal.SIGSYS => "bad system call",
        _ => signal.Name(),
    };

    /// <summary>Reads <c>SIGTERM</c>, <c>TERM</c>, <c>15</c>, <c>SIGRTMIN+3</c> or <c>RTMAX-1</c>, in any case.</summary>
    public static bool TryParse(string text, out Signal signal)
    {
        signal = Signal.None;
        if (int.TryParse(text, out int number))
        {
            signal = (Signal)number;
            return number is >= 1 and <= 64;
        }

        string name = text.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? text[3..] : text;
        if (name.StartsWith("RTMIN", StringComparison.OrdinalIgnoreCase))
        {
            return TryOffset(name[5..], '+', out number) && IsRealTime(signal = Signal.SIGRTMIN + number);
        }

        if (name.StartsWith("RTMAX", StringComparison.OrdinalIgnoreCase))
        {
            return TryOffset(name[5..], '-', out number) && IsRealTime(signal = Signal.SIGRTMAX - number);
        }

        signal = name.ToUpperInvariant() switch
        {
            "IOT" => Signal.SIGABRT,
            "CLD" => Signal.SIGCHLD,
            "POLL" => Signal.SIGIO,
            "UNUSED" => Signal.SIGSYS,
            _ => Signal.None,
        };
        return signal != Signal.None
            || (name.Length > 0 && char.IsAsciiLetter(name[0]) && !name.Contains(',')
                && Enum.TryParse("SIG" + name, ignoreCase: true, out signal) && Enum.IsDefined(signal));
    }

    private static bool TryOffset(string text, char sign, out int offset)
    {
        offset = 0;
        return text.Length == 0 || (text[0] == sign && int.TryParse(text.AsSpan(1), out offset) && offset is >= 0 and <= 30);
    }

    private static bool IsRealTime(Signal signal) => signal is >= Signal.SIGRTMIN and <= Signal.SIGRTMAX;
}
