using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Caisson.Harness;

/// <summary>
/// A test's own place: a root for records, bundles, and the commands on them. Closing it checks that nothing is left of what the test
/// did, unless the test failed already: then it only clears away.
/// </summary>
public sealed class Workplace : IDisposable
{
    private readonly LeakCheck _leaks;
    private readonly Isolation _isolation;
    private readonly List<RunningCommand> _commands = [];
    private readonly Func<bool> _failed;

    /// <param name="isolation">The isolation of the place's containers.</param>
    /// <param name="failed">Whether the test has failed; asked at the end.</param>
    public Workplace(Isolation isolation, Func<bool> failed)
    {
        Orphans.Adopt();
        _isolation = isolation;
        _failed = failed;
        Name = TestRun.NextName();
        Path = System.IO.Path.Combine(TestRun.Directory, Name);
        Directory.CreateDirectory(Path);
        // Before the first snapshot: it starts a command itself.
        Bundle = new Bundle(System.IO.Path.Combine(Path, "bundle"));
        _leaks = LeakCheck.Begin([Name], [Root]);
    }

    /// <summary>Contained in everything that is this test's; also a container's id.</summary>
    public string Name { get; }

    /// <summary>The id of a test's only container.</summary>
    public string Id => Name;

    public string Path { get; }

    public string Root => System.IO.Path.Combine(Path, "root");

    /// <summary>The bundle of a test that needs one only.</summary>
    public Bundle Bundle { get; }

    public Isolation Isolation => _isolation;

    public Bundle AnotherBundle(string name) => new(System.IO.Path.Combine(Path, name));

    /// <summary>Runs a command on this place, with no input, to its end and the end of its output.</summary>
    public CommandResult Run(params string[] arguments) => Start(arguments).CloseInput().Wait();

    /// <summary>Starts a command on this place; its input is open.</summary>
    public RunningCommand Start(params string[] arguments) => StartWith(null, arguments);

    /// <summary>Starts a command with another environment or working directory.</summary>
    public RunningCommand StartWith(Action<ProcessStartInfo>? change, params string[] arguments) => Keep(RunningCommand.Start(Executable.Path, [.. Globals, .. arguments], change));

    /// <summary>Starts another program than the one under test; what it leaves behind counts too.</summary>
    public RunningCommand StartProgram(string program, IReadOnlyList<string> arguments, Action<ProcessStartInfo>? change = null) =>
        Keep(RunningCommand.Start(program, arguments, change));

    /// <summary>What stands before the command: the root, and the isolation.</summary>
    public string[] Globals => ["--root", Root, "--isolation", _isolation.Flag()];

    /// <summary>Runs the place's bundle in the foreground.</summary>
    public CommandResult RunBundle(params string[] flags) => Run(["run", "--bundle", Bundle.Path, .. flags, Id]);

    /// <summary>Creates the place's container and leaves it created; its streams are those of the command that comes back.</summary>
    public RunningCommand Create(params string[] flags) => Succeed(Start(["create", "--bundle", Bundle.Path, .. flags, Id]));

    /// <summary>Creates and starts the place's container.</summary>
    public RunningCommand Detach(params string[] flags) => Succeed(Start(["run", "--detach", "--bundle", Bundle.Path, .. flags, Id]));

    /// <summary>What <c>state</c> prints.</summary>
    public JsonObject State(string? id = null) => JsonNode.Parse(Run("state", id ?? Id).Expect())!.AsObject();

    public string Status(string? id = null) => (string)State(id)["status"]!;

    public void WaitForStatus(string status, string? id = null)
    {
        string seen = "";
        Deadline.Wait($"status {status}", () => (seen = Status(id)) == status, () => seen);
    }

    public void Dispose()
    {
        bool failed = _failed();
        try
        {
            if (!failed)
            {
                _commands.ForEach(command => command.Dispose());
                _leaks.RequireNothingLeft();
            }
        }
        catch
        {
            failed = true;
            throw;
        }
        finally
        {
            if (failed)
            {
                ClearAway();
            }

            Directory.Delete(Path, recursive: true);
        }
    }

    /// <summary>Clears away everything, without a judgement.</summary>
    public void Abandon()
    {
        ClearAway();
        Directory.Delete(Path, recursive: true);
    }

    private void ClearAway()
    {
        try
        {
            foreach (string id in Run("list", "--quiet").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                Run("delete", "--force", id);
            }
        }
        catch (HarnessException)
        {
            // The failure that brought us here is the one to report.
        }

        _commands.ForEach(command => command.Dispose());
        _leaks.Sweep();
    }

    private static RunningCommand Succeed(RunningCommand command)
    {
        if (command.WaitForExit() != 0)
        {
            throw new HarnessException($"expected success, got {command.CloseInput().Wait()}");
        }

        return command;
    }

    private RunningCommand Keep(RunningCommand command)
    {
        _commands.Add(command);
        return command;
    }
}
