using System.Diagnostics;

namespace Caisson.UnitTests.Fuzz;

/// <summary>A short run of each fuzz target with a fixed seed; <c>./dev fuzz</c> runs them for longer.</summary>
public sealed class FuzzTests(FuzzPlace place) : IClassFixture<FuzzPlace>
{
    private const string Inputs = "400";

    // Starting and instrumenting included, on a busy machine.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static TheoryData<string> Targets => [.. Run("--list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Short_run_finds_nothing(string target)
    {
        (int code, string output) = Run("--target", target, "--executions", Inputs, "--seed", "20261121", "--out", place.Path);

        Assert.True(code == 0, output);
        Assert.Contains("nothing found", output, StringComparison.Ordinal);
    }

    // The program is built with this one, beside it: tests/fuzz/bin/CONFIGURATION/FRAMEWORK.
    private static (int Code, string Output) Run(params string[] arguments)
    {
        string beside = AppContext.BaseDirectory.TrimEnd('/').Replace("/tests/unit/", "/tests/fuzz/", StringComparison.Ordinal);
        string host = Environment.ProcessPath!;
        bool isShared = Path.GetFileName(host) == "dotnet";
        var start = new ProcessStartInfo(isShared ? host : Path.Combine(beside, "Caisson.Fuzz")) { RedirectStandardOutput = true };
        foreach (string argument in isShared ? ["exec", Path.Combine(beside, "Caisson.Fuzz.dll"), .. arguments] : arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(s_patience), output);
        return (process.ExitCode, output);
    }
}

/// <summary>Where the instrumented copy lies, made by the first test.</summary>
public sealed class FuzzPlace : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("caisson-fuzz-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
