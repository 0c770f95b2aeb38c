using System.Globalization;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>The lines of the host's ps(1) that are about some processes, as runc makes them.</summary>
internal static class HostProcessTable
{
    // Not by PATH: engines pass none.
    private static readonly string[] s_programs = ["/usr/bin/ps", "/bin/ps"];
    private const int LongestOutputBytes = 16 * 1024 * 1024;

    /// <param name="pids">The processes.</param>
    /// <param name="options">ps's options; <c>-ef</c> where there are none.</param>
    internal static IReadOnlyList<string> Show(IReadOnlyList<int> pids, IReadOnlyList<string> options)
    {
        string program = Array.Find(s_programs, File.Exists)
            ?? throw new SandboxException("ps: not found on this host: install procps; `caisson ps --format json` works without");
        string[] lines = RunAndRead(program, ["ps", .. options.Count > 0 ? options : ["-ef"]]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
        {
            throw new SandboxException("ps: printed nothing");
        }

        int column = Array.IndexOf(Fields(lines[0]), "PID");
        if (column < 0)
        {
            throw new SandboxException("ps: no PID column: the options must ask for one");
        }

        var kept = new List<string> { lines[0] };
        var wanted = new HashSet<int>(pids);
        foreach (string line in lines.AsSpan(1))
        {
            string[] fields = Fields(line);
            if (fields.Length > column
                && int.TryParse(fields[column], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && wanted.Contains(pid))
            {
                kept.Add(line);
            }
        }

        return kept;
    }

    private static string[] Fields(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string RunAndRead(string program, string[] arguments)
    {
        using PipePair output = PipePair.Create();
        using ClonedProcess child = new PreparedClone()
            .ResetSignals()
            .SetSignalMask(0)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(output.Write, 2)
            .CloseRangeFrom(3)
            .Execve(program, arguments, ["LC_ALL=C", "PATH=/usr/bin:/bin"])
            .Start();
        output.Write.Dispose();
        string text = System.Text.Encoding.UTF8.GetString(output.Read.ReadToEnd(LongestOutputBytes));
        ExitStatus status = child.PidFd.Wait();
        return status.Code == 0 ? text : throw new SandboxException($"ps: exit status {status.Code}: {text.Trim()}");
    }
}
