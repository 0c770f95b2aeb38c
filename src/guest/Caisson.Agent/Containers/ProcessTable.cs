using System.Globalization;
using System.Text;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>A container's processes as <c>ps</c> shows them, from the guest's /proc: the container need not have a ps.</summary>
internal static class ProcessTable
{
    // Own limit: longer command lines are cut; there may be many.
    private const int MaxCommandChars = 4096;

    // The columns of ps -ef, which is what runc's ps runs.
    private static readonly string[] s_fullFormat = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];

    /// <param name="pids">The processes.</param>
    /// <param name="format">json: an array of pids; table: ps's.</param>
    /// <param name="options">ps's own, of which the column selections (-o, -ef) are understood.</param>
    internal static byte[] Format(IReadOnlyList<int> pids, string format, IReadOnlyList<string> options) => format switch
    {
        "json" => Encoding.ASCII.GetBytes($"[{string.Join(',', pids)}]"),
        "table" or "" => Encoding.UTF8.GetBytes(Table(pids, Columns(options))),
        _ => throw Refusal.Invalid($"ps: format \"{format}\" is unknown; known are table and json"),
    };

    /// <summary>The columns that options select.</summary>
    internal static List<string> Columns(IReadOnlyList<string> options)
    {
        var columns = new List<string>();
        for (int i = 0; i < options.Count; i++)
        {
            string option = options[i];
            bool selects = option is "-o" or "o" or "--format" or "-eo" or "-Ao";
            string names = selects && i + 1 < options.Count ? options[++i]
                : option.StartsWith("-o", StringComparison.Ordinal) ? option[2..]
                : option.StartsWith("--format=", StringComparison.Ordinal) ? option["--format=".Length..] : "";
            foreach (string name in names.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
            {
                columns.Add(ProcessEntry.IsColumn(name) ? name : throw Refusal.Invalid($"ps: column \"{name}\" is unknown"));
            }
        }

        return columns.Count > 0 ? columns : [.. s_fullFormat];
    }

    private static string Table(IReadOnlyList<int> pids, List<string> columns)
    {
        var rows = new List<List<string>> { columns.ConvertAll(ProcessEntry.Header) };
        List<int> inOrder = [.. pids];
        inOrder.Sort();
        ProcessClock clock = ProcessClock.Read();
        foreach (int pid in inOrder)
        {
            // A process may end while it is looked at.
            if (ProcessEntry.TryRead(pid, clock, out ProcessEntry? entry))
            {
                rows.Add(columns.ConvertAll(entry.Column));
            }
        }

        var text = new StringBuilder();
        int[] widths = new int[columns.Count];
        foreach (List<string> row in rows)
        {
            for (int column = 0; column < widths.Length; column++)
            {
                widths[column] = Math.Max(widths[column], row[column].Length);
            }
        }

        foreach (List<string> row in rows)
        {
            for (int column = 0; column < row.Count; column++)
            {
                bool isLast = column == row.Count - 1;
                text.Append(isLast ? row[column][..Math.Min(row[column].Length, MaxCommandChars)]
                    : ProcessEntry.IsNumber(columns[column]) ? row[column].PadLeft(widths[column]) : row[column].PadRight(widths[column]));
                text.Append(isLast ? '\n' : ' ');
            }
        }

        return text.ToString();
    }
}

/// <summary>What turns ticks since boot into times of day.</summary>
/// <param name="Now">The wall clock.</param>
/// <param name="UptimeSeconds">Seconds since boot.</param>
internal readonly record struct ProcessClock(DateTime Now, double UptimeSeconds)
{
    internal const double TicksPerSecond = 100;    // USER_HZ

    internal static ProcessClock Read()
    {
        string uptime = SmallFile.ReadText("/proc/uptime");
        return new ProcessClock(DateTime.UtcNow, double.Parse(uptime.AsSpan(0, uptime.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture));
    }
}
