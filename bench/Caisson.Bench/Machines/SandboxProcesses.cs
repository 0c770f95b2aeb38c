using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>The host's processes of one sandbox.</summary>
internal static class SandboxProcesses
{
    private const string Places = "/run/caisson/sandboxes";

    /// <summary>The sandbox whose state names a container: others may be there, of other users.</summary>
    internal static string SandboxOf(string container)
    {
        foreach (string path in Directory.GetDirectories(Places))
        {
            if (SmallFile.TryReadText($"{path}/state.json", out string state, out _) && state.Contains($"\"{container}\"", StringComparison.Ordinal))
            {
                return Path.GetFileName(path);
            }
        }

        throw new BenchException($"no sandbox below {Places} names the container {container}");
    }

    /// <summary>Each process of a sandbox that names it in its command line, with what it is.</summary>
    internal static IEnumerable<(string Role, int Pid)> Of(string sandbox)
    {
        foreach (int pid in ProcessMemory.Pids())
        {
            string[] words = ProcessMemory.CommandLine(pid);
            if (words.Any(word => word.Contains(sandbox, StringComparison.Ordinal)))
            {
                yield return (words[0] == "caisson" && words.Length > 1 ? words[1] : Path.GetFileName(words[0]), pid);
            }
        }
    }
}
