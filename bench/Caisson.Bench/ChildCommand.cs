using System.Collections;
using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>A program that is run and timed: from before it is cloned until it has been reaped.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Arguments">The words after its name.</param>
internal sealed record ChildCommand(string Path, params IReadOnlyList<string> Arguments)
{
    private const int MaxOutputBytes = 1 << 20;

    /// <summary>Runs it, and sees that it really did what it should: by its exit code.</summary>
    internal TimeSpan Time(int expectedCode = 0)
    {
        (int code, TimeSpan time, string output) = Run();
        return code == expectedCode
            ? time
            : throw new BenchException($"{this} exited with {code} where {expectedCode} was expected: {output.Trim()}");
    }

    /// <summary>Runs it, and returns what it printed.</summary>
    internal string Read()
    {
        (int code, _, string output) = Run();
        return code == 0 ? output : throw new BenchException($"{this} exited with {code}: {output.Trim()}");
    }

    internal (int Code, TimeSpan Time, string Output) Run()
    {
        // A file, not a pipe: what it starts may keep it open, and nobody waits for that.
        using MemFd output = MemFd.Create("output");
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        PreparedClone clone = new PreparedClone()
            .Setpgid()
            .DuplicateTo(nothing, 0)
            .DuplicateTo(output, 1)
            .DuplicateTo(output, 2)
            .CloseRangeFrom(3)
            .Execve(Path, [Path, .. Arguments], [.. Environment()]);
        long start = Stopwatch.GetTimestamp();
        using ClonedProcess child = clone.Start();
        int code = child.PidFd.Wait().Code;
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        byte[] text = File.ReadAllBytes(output.ProcPath);
        return (code, time, System.Text.Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(text.Length, MaxOutputBytes))));
    }

    internal static IEnumerable<string> Environment()
    {
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            yield return $"{variable.Key}={variable.Value}";
        }
    }

    public override string ToString() => string.Join(' ', [System.IO.Path.GetFileName(Path), .. Arguments]);
}
