using System.Globalization;

namespace Caisson.Harness;

/// <summary>A process as /proc shows it.</summary>
/// <param name="Pid">Its pid.</param>
/// <param name="Parent">Its parent's.</param>
/// <param name="State">The letter of proc(5).</param>
/// <param name="StartTicks">Field 22: tells it from a later process with the same pid.</param>
public sealed record ProcessEntry(int Pid, int Parent, char State, ulong StartTicks)
{
    public bool IsZombie => State is 'Z' or 'X';
}

/// <summary>The processes of this machine.</summary>
public static class ProcessTable
{
    public static List<ProcessEntry> Read()
    {
        var found = new List<ProcessEntry>();
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && TryRead(pid) is { } process)
            {
                found.Add(process);
            }
        }

        return found;
    }

    /// <summary>The living processes below this one.</summary>
    public static List<ProcessEntry> Descendants(List<ProcessEntry> all)
    {
        ILookup<int, ProcessEntry> children = all.ToLookup(process => process.Parent);
        var found = new List<ProcessEntry>();
        var open = new Queue<int>([Environment.ProcessId]);
        while (open.TryDequeue(out int parent))
        {
            foreach (ProcessEntry child in children[parent])
            {
                found.Add(child);
                open.Enqueue(child.Pid);
            }
        }

        return found;
    }

    public static string CommandLine(int pid) => Text($"/proc/{pid}/cmdline").Replace('\0', ' ').TrimEnd();

    public static string Describe(int pid)
    {
        ProcessEntry? process = TryRead(pid);
        return process is null ? $"no process {pid}" : $"process {pid} ({process.State}, child of {process.Parent}): {Text($"/proc/{pid}/comm").TrimEnd()}: {CommandLine(pid)}";
    }

    /// <summary>A small file of /proc; empty when it or its process is gone.</summary>
    public static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static ProcessEntry? TryRead(int pid)
    {
        string stat = Text($"/proc/{pid}/stat");
        int end = stat.LastIndexOf(')');
        if (end < 0)
        {
            return null;
        }

        // proc(5): after the name in parentheses come state (3), parent (4) and, as field 22, the start time.
        string[] fields = stat[(end + 2)..].Split(' ');
        return new ProcessEntry(pid, int.Parse(fields[1], CultureInfo.InvariantCulture), fields[0][0], ulong.Parse(fields[19], CultureInfo.InvariantCulture));
    }
}
