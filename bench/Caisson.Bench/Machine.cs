namespace Caisson.Bench;

/// <summary>What the figures were measured on.</summary>
internal static class Machine
{
    internal static string Describe() =>
        $"{Environment.ProcessorCount} CPUs, kernel {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, "
        + $"load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}, {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; "
        + string.Join(", ", Versions());

    private static IEnumerable<string> Versions()
    {
        foreach (string peer in (string[])["crun", "runc", "qemu-system-x86_64", "containerd"])
        {
            yield return BenchPlace.FindPeer(peer) is { } path
                ? new ChildCommand(path, "--version").Read().Split('\n')[0].Replace(" version ", " ", StringComparison.Ordinal)
                : $"no {peer}";
        }
    }
}
