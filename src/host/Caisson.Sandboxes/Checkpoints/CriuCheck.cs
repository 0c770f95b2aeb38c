using System.Text;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>Why CRIU failed: from its log, and from what it says of the host.</summary>
internal static class CriuCheck
{
    private const int MaxLogBytes = 16 * 1024 * 1024;
    private const int MaxOutputBytes = 64 * 1024;

    /// <summary>The exception for a request that failed.</summary>
    /// <param name="criu">The executable.</param>
    /// <param name="step">What failed, such as <c>checkpoint</c>.</param>
    /// <param name="errno">What CRIU answered.</param>
    /// <param name="log">Its log.</param>
    internal static SandboxException Explain(string criu, string step, int errno, string log)
    {
        string reason = CauseIn(log) is { } error ? $"{error}; " : "";
        // Asked only now: it takes longer than most checkpoints.
        string host = HostProblem(criu) is { } problem ? $"`criu check` fails on this host ({problem}), so containers cannot be checkpointed or restored on it: " : "";
        string code = errno == 0 ? "" : $" errno {errno}";
        return new SandboxException($"{step}: {host}criu failed:{code} {reason}log file: {log}");
    }

    /// <summary>What <c>criu check</c> complains of, or null.</summary>
    internal static string? HostProblem(string criu)
    {
        using PipePair output = PipePair.Create();
        using ClonedProcess child = new PreparedClone()
            .ResetSignals()
            .SetSignalMask(0)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(output.Write, 2)
            .CloseRangeFrom(3)
            .Execve(criu, ["criu", "check"], ["LC_ALL=C", HostPrograms.UsualPath])
            .Start();
        output.Write.Dispose();
        string text = Encoding.UTF8.GetString(output.Read.ReadToEnd(MaxOutputBytes));
        ExitStatus status = child.PidFd.Wait();
        return status.Code == 0 ? null : LastError(text) ?? $"exit code {status.Code}";
    }

    // The last error but those that only say that it is over; earlier ones may have been no harm.
    private static string? CauseIn(string log)
    {
        try
        {
            return LastError(Encoding.UTF8.GetString(SmallFile.Read(log, MaxLogBytes)));
        }
        catch (SyscallException)
        {
            return null; // it did not get as far as a log
        }
    }

    private static string? LastError(string text) => Array.FindLast(text.Split('\n'), IsError)?.Trim();

    private static bool IsError(string line) =>
        line.Contains("Error (", StringComparison.Ordinal)
        && !line.Contains("FAILED", StringComparison.Ordinal)
        && !line.Contains("finished with error", StringComparison.Ordinal);
}
