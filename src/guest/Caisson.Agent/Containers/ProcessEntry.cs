using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>One line of ps.</summary>
internal sealed class ProcessEntry
{
    private readonly int _pid;
    private readonly string[] _stat;     // proc(5), /proc/PID/stat from field 3 on
    private readonly string _name;
    private readonly string _command;
    private readonly uint _userId;
    private readonly ProcessClock _clock;

    private ProcessEntry(int pid, string stat, string command, uint userId, ProcessClock clock)
    {
        // The name is in parentheses and may hold any byte: fields count from the last one.
        int open = stat.IndexOf('(', StringComparison.Ordinal);
        int close = stat.LastIndexOf(')');
        _pid = pid;
        _name = Printable(stat[(open + 1)..close]);
        _stat = stat[(close + 2)..].TrimEnd('\n').Split(' ');
        _command = command.Length > 0 ? Printable(command.TrimEnd('\0').Replace('\0', ' ')) : $"[{_name}]";
        _userId = userId;
        _clock = clock;
    }

    internal static bool IsColumn(string name) => Header(name).Length > 0;

    internal static bool IsNumber(string name) => name is "pid" or "ppid" or "c" or "pgid" or "sid" or "nlwp" or "rss" or "vsz" or "ni";

    internal static string Header(string name) => name switch
    {
        "uid" => "UID",
        "user" or "euser" => "USER",
        "pid" => "PID",
        "ppid" => "PPID",
        "pgid" => "PGID",
        "sid" => "SID",
        "c" => "C",
        "stime" or "start" => "STIME",
        "tty" or "tt" => "TTY",
        "time" => "TIME",
        "stat" or "state" or "s" => "S",
        "ni" => "NI",
        "nlwp" => "NLWP",
        "rss" => "RSS",
        "vsz" => "VSZ",
        "comm" or "ucmd" => "COMMAND",
        "cmd" => "CMD",
        "args" or "command" => "COMMAND",
        _ => "",
    };

    internal static bool TryRead(int pid, ProcessClock clock, [NotNullWhen(true)] out ProcessEntry? entry)
    {
        entry = null;
        if (!SmallFile.TryReadText($"/proc/{pid}/stat", out string stat, out _) || stat.Length == 0
            || !SmallFile.TryReadText($"/proc/{pid}/cmdline", out string command, out _)
            || !FileCalls.TryStat($"/proc/{pid}", out FileStatus status, out _))
        {
            return false;
        }

        entry = new ProcessEntry(pid, stat, command, status.UserId, clock);
        return true;
    }

    internal string Column(string name) => name switch
    {
        "uid" or "user" or "euser" => _userId == 0 ? "root" : _userId.ToString(CultureInfo.InvariantCulture),
        "pid" => _pid.ToString(CultureInfo.InvariantCulture),
        "ppid" => Field(4),
        "pgid" => Field(5),
        "sid" => Field(6),
        "c" => Utilisation(),
        "stime" or "start" => StartTime(),
        "tty" or "tt" => TerminalName(),
        "time" => CpuTime(),
        "stat" or "state" or "s" => Field(3),
        "ni" => Field(19),
        "nlwp" => Field(20),
        "rss" => (Number(24) * 4).ToString(CultureInfo.InvariantCulture),     // pages of 4 KiB
        "vsz" => (Number(23) / 1024).ToString(CultureInfo.InvariantCulture),
        "comm" or "ucmd" => _name,
        _ => _command,
    };

    private double StartSeconds => Number(22) / ProcessClock.TicksPerSecond;

    private double CpuSeconds => (Number(14) + Number(15)) / ProcessClock.TicksPerSecond;

    private string Field(int number) => number - 3 < _stat.Length ? _stat[number - 3] : "0";

    private double Number(int field) => double.TryParse(Field(field), NumberStyles.Integer, CultureInfo.InvariantCulture, out double value) ? value : 0;

    // Percent of its lifetime, as ps shows it.
    private string Utilisation()
    {
        double lived = _clock.UptimeSeconds - StartSeconds;
        return (lived > 0 ? Math.Min(99, (int)(CpuSeconds * 100 / lived)) : 0).ToString(CultureInfo.InvariantCulture);
    }

    private string StartTime()
    {
        DateTime started = _clock.Now.AddSeconds(StartSeconds - _clock.UptimeSeconds);
        return started.Date == _clock.Now.Date
            ? started.ToString("HH:mm", CultureInfo.InvariantCulture)
            : started.ToString("MMMdd", CultureInfo.InvariantCulture);
    }

    private string CpuTime()
    {
        var used = TimeSpan.FromSeconds(Math.Floor(CpuSeconds));
        return string.Create(CultureInfo.InvariantCulture, $"{(int)used.TotalHours:00}:{used.Minutes:00}:{used.Seconds:00}");
    }

    // Major 136 to 143 are pseudo-terminals (Documentation/admin-guide/devices.txt).
    private string TerminalName()
    {
        int device = (int)Number(7);
        int major = (device >> 8) & 0xFFF;
        int minor = (device & 0xFF) | ((device >> 12) & 0xFFF00);
        return device == 0 ? "?" : major is >= 136 and <= 143 ? $"pts/{minor}" : $"{major}:{minor}";
    }

    // What the process calls itself must not steer the terminal of who reads this.
    private static string Printable(string text) => string.Create(text.Length, text, static (span, from) =>
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = char.IsControl(from[i]) ? '?' : from[i];
        }
    });
}
