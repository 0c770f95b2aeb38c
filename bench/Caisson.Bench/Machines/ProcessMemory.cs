using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>What /proc tells of processes.</summary>
internal static class ProcessMemory
{
    private const double BytesPerKilobyte = 1024;    // proc(5): "kB" is 1024 bytes there

    /// <summary>Proportional set size in megabytes: pages that are shared count in parts.</summary>
    internal static double Pss(int pid) => Field(File.ReadAllText($"/proc/{pid}/smaps_rollup"), "Pss:");

    /// <summary>A line of /proc/PID/status or smaps_rollup, in megabytes.</summary>
    internal static double Field(string text, string name)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return double.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim()) * BytesPerKilobyte / 1e6;
            }
        }

        throw new BenchException($"there is no {name} in what /proc tells: {text.Trim()}");
    }

    /// <summary>Processes that run a file, by whatever mount they reached it.</summary>
    internal static IEnumerable<int> Running(string executable)
    {
        FileStatus wanted = FileCalls.Stat(executable);
        foreach (int pid in Pids())
        {
            if (FileCalls.TryStat($"/proc/{pid}/exe", out FileStatus found, out _) && found.IsSameFile(wanted))
            {
                yield return pid;
            }
        }
    }

    internal static IEnumerable<int> Pids() =>
        Directory.GetDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out int pid) ? pid : 0).Where(pid => pid > 0);

    internal static string[] CommandLine(int pid) =>
        SmallFile.TryReadText($"/proc/{pid}/cmdline", out string text, out _) ? text.Split('\0') : [];
}
