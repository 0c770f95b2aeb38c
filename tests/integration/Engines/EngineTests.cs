using Caisson.Harness;

namespace Caisson.IntegrationTests.Engines;

/// <summary>Container engines of the distribution, with Caisson as their runtime: the scripts in tests/engines, one walk for each isolation.</summary>
public sealed class EngineTests : ContainerTest
{
    // A walk is a few dozen commands, and boots a dozen machines or so.
    private static readonly TimeSpan s_patience = TimeSpan.FromTicks(Deadline.Patience.Ticks * 8);

    [RootTheory]
    [Isolations]
    public void Podman_works_as_with_runc(Isolation isolation) => Walk("podman.sh", "/usr/bin/podman", isolation);

    [RootTheory]
    [Isolations]
    public void Docker_works_as_with_runc(Isolation isolation) => Walk("docker.sh", "/usr/sbin/dockerd", isolation);

    [SoakTheory]
    [Isolations]
    public void Podman_runs_containers_again_and_again_and_at_once(Isolation isolation) => Walk("podman.sh", "/usr/bin/podman", isolation, "repeated");

    [SoakTheory]
    [Isolations]
    public void Docker_runs_containers_again_and_again_and_at_once(Isolation isolation) => Walk("docker.sh", "/usr/sbin/dockerd", isolation, "repeated");

    private void Walk(string script, string engine, Isolation isolation, string? parts = null)
    {
        Assert.True(File.Exists(engine), $"{engine} is missing: ./dev test installs it");
        Workplace place = Place(isolation);

        // podman takes no more than 50 characters for a directory of its own.
        string engineDirectory = Path.Combine(TestRun.Directory, place.Name[(place.Name.LastIndexOf('-') + 1)..]);
        RunningCommand walk = place.StartProgram(
            Path.Combine(ScriptsDirectory(), script),
            [isolation.Flag(), engineDirectory],
            start =>
            {
                start.Environment["CAISSON_EXECUTABLE_UNDER_TEST"] = Executable.Path;
                start.Environment["CAISSON_TEST_MARK"] = place.Name;
                if (parts is not null)
                {
                    start.Environment["CAISSON_TEST_PARTS"] = parts;
                }
            });
        CommandResult result = walk.CloseInput().Wait(s_patience);

        Assert.True(result.ExitCode == 0, Report(result));
    }

    // What failed, each with what was expected and what came; all of it where not even a check failed.
    private static string Report(CommandResult result)
    {
        var failures = new List<string>();
        bool within = false;
        foreach (string line in result.Output.Split('\n'))
        {
            within = line.StartsWith("not ok", StringComparison.Ordinal) || (within && line.StartsWith("#   ", StringComparison.Ordinal));
            if (within)
            {
                failures.Add(line);
            }
        }

        return failures.Count > 0 ? string.Join('\n', failures) : result.ToString();
    }

    private static string ScriptsDirectory()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string candidate = Path.Combine(directory.FullName, "tests", "engines");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new HarnessException($"no tests/engines above {AppContext.BaseDirectory}");
    }
}
