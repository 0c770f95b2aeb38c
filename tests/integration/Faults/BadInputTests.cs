using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Faults;

/// <summary>What is wrong before anything is made gets one clear error, runc's exit code, and leaves nothing.</summary>
public sealed class BadInputTests : ContainerTest
{
    [RootFact]
    public void Bundle_that_is_missing_is_named()
    {
        Workplace place = Place(Isolation.Namespaces);

        Refused(place, ["run", "--bundle", "/nowhere/bundle", place.Id], "/nowhere/bundle", "no such file or directory");
    }

    [RootFact]
    public void Configuration_that_is_missing_is_named()
    {
        Workplace place = Place(Isolation.Namespaces);
        File.Delete(place.Bundle.ConfigFile);

        Refused(place, ["run", "--bundle", place.Bundle.Path, place.Id], "config.json", place.Bundle.Path);
    }

    [RootFact]
    public void Root_file_system_that_is_missing_is_named()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Edit(config => config["root"]!["path"] = "nowhere");

        Refused(place, ["run", "--bundle", place.Bundle.Path, place.Id], "rootfs", Path.Combine(place.Bundle.Path, "nowhere"), "no such file or directory");
    }

    [RootFact]
    public void Source_of_a_bind_mount_that_is_missing_is_named()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Mount("/mnt", "bind", "/nowhere/source", "bind");

        Refused(place, ["run", "--bundle", place.Bundle.Path, place.Id], "/nowhere/source", "no such file or directory");
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("hello")]
    [InlineData("{\"ociVersion\": \"1.0.2\"} {}")]
    public void Configuration_that_is_not_json_is_refused(string text)
    {
        Workplace place = Place(Isolation.Namespaces);
        File.WriteAllText(place.Bundle.ConfigFile, text);

        Refused(place, ["run", "--bundle", place.Bundle.Path, place.Id], "config.json");
    }

    [RootTheory]
    [InlineData("ociVersion", "7")]
    [InlineData("process.args", "\"sh\"")]
    [InlineData("process.user.uid", "-1")]
    [InlineData("process.user.uid", "\"root\"")]
    [InlineData("process.terminal", "\"no\"")]
    [InlineData("root.path", "true")]
    [InlineData("mounts[0].options", "\"ro\"")]
    [InlineData("linux.namespaces[0].type", "\"cheese\"")]
    [InlineData("linux.resources.memory.limit", "\"much\"")]
    [InlineData("process.rlimits[0].soft", "1.5")]
    public void Field_that_is_wrong_is_named_by_its_path(string path, string json)
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Edit(config => Set(config, path, JsonNode.Parse(json)!));

        Refused(place, ["run", "--bundle", place.Bundle.Path, place.Id], "config.json", path);
    }

    [RootTheory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../escape")]
    [InlineData("a/b")]
    [InlineData("/absolute")]
    [InlineData("with space")]
    [InlineData("naïve")]
    public void Id_that_is_no_name_is_refused(string id)
    {
        Workplace place = Place(Isolation.Namespaces);

        Refused(place, ["run", "--bundle", place.Bundle.Path, id], id.Length == 0 ? "cannot be empty" : "invalid container ID format");
        Assert.Equal(1, place.Run("state", id).ExitCode);
        Assert.Equal(1, place.Run("delete", id).ExitCode);
    }

    [RootFact]
    public void Id_that_is_too_long_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);

        Refused(place, ["run", "--bundle", place.Bundle.Path, new string('a', 256)], "invalid container ID format: longer than");
    }

    [RootFact]
    public void Id_that_is_taken_is_refused_and_its_container_lives_on()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult again = place.Run("run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal(1, again.ExitCode);
        Assert.Contains("container with given ID already exists", again.Error);
        Assert.Equal("running", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Isolation_that_is_not_there_is_refused_and_no_weaker_one_taken()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("echo ran");

        CommandResult kernel = Run(place, "--root", place.Root, "--isolation", "kernel", "run", "--bundle", place.Bundle.Path, place.Id);
        CommandResult unknown = Run(place, "--root", place.Root, "--isolation", "wishful", "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal((1, "", 1, ""), (kernel.ExitCode, kernel.Output, unknown.ExitCode, unknown.Output));
        Assert.Contains("isolation kernel", kernel.Error);
        Assert.Contains("not there yet", kernel.Error);
        Assert.Contains("unknown isolation \\\"wishful\\\"", unknown.Error);
    }

    [RootFact]
    public void Machine_without_its_guest_is_refused_and_no_weaker_isolation_taken()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("echo ran");
        // A copy of the executable has no assets beside it.
        string lonely = Path.Combine(place.Path, "caisson");
        File.Copy(Executable.Path, lonely);

        using RunningCommand command = RunningCommand.Start(lonely, [.. place.Globals, "run", "--bundle", place.Bundle.Path, place.Id]);
        CommandResult result = command.CloseInput().Wait();

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("vmlinux", result.Error);
        Assert.Contains("caisson guest build", result.Error);
    }

    [RootTheory]
    [InlineData(1, "run", "--nosuchflag", "id")]
    [InlineData(1, "run")]
    [InlineData(1, "run", "one", "two")]
    [InlineData(1, "list", "--format", "xml")]
    [InlineData(3, "nosuchcommand")]
    public void Command_line_that_is_wrong_is_refused(int code, params string[] words)
    {
        Workplace place = Place(Isolation.Namespaces);

        CommandResult result = place.Run(words);

        Assert.Equal(code, result.ExitCode);
        Assert.NotEqual("", result.Error);
    }

    [RootTheory]
    [InlineData("state")]
    [InlineData("start")]
    [InlineData("kill")]
    [InlineData("delete")]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("ps")]
    [InlineData("update")]
    [InlineData("events")]
    public void Container_that_is_unknown_is_refused_in_runcs_words(string command)
    {
        Workplace place = Place(Isolation.Namespaces);

        Refused(place, [command, place.Id], "container does not exist");
    }

    [RootFact]
    public void Signal_that_is_unknown_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Arguments("sleep", "1000");
        place.Detach();

        CommandResult result = place.Run("kill", place.Id, "SIGCHEESE");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("unknown signal", result.Error);
        place.Run("delete", "--force", place.Id).Expect();
    }

    [RootFact]
    public void Root_that_others_may_write_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        string root = Path.Combine(place.Path, "open");
        Directory.CreateDirectory(root);
        File.SetUnixFileMode(root, (UnixFileMode)0b111_111_111);

        CommandResult result = Run(place, "--root", root, "--isolation", "namespaces", "run", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("others may write there", result.Error);
    }

    [RootFact]
    public void Errors_go_to_the_log_in_the_form_that_engines_read()
    {
        Workplace place = Place(Isolation.Namespaces);
        string log = Path.Combine(place.Path, "log.json");
        place.Bundle.Arguments("nosuchprogram");

        Run(place, "--root", place.Root, "--isolation", "namespaces", "--log", log, "--log-format", "json", "run", "--bundle", place.Bundle.Path, place.Id);

        JsonObject last = JsonNode.Parse(File.ReadAllLines(log)[^1])!.AsObject();
        Assert.Equal("error", (string)last["level"]!);
        Assert.Contains("executable file not found in $PATH", (string)last["msg"]!);
        Assert.True(DateTimeOffset.TryParse((string)last["time"]!, out _));
    }

    [RootFact]
    public void Foreign_directories_below_the_root_are_left_alone()
    {
        Workplace place = Place(Isolation.Namespaces);
        string foreign = Path.Combine(place.Root, "foreign");
        Directory.CreateDirectory(foreign);
        File.SetUnixFileMode(place.Root, (UnixFileMode)0b111_000_000);
        File.WriteAllText(Path.Combine(foreign, "state.json"), "not ours");

        Assert.Equal("", place.Run("list", "--quiet").Expect());
        CommandResult taken = place.Run("run", "--bundle", place.Bundle.Path, "foreign");
        place.Run("delete", "--force", "foreign").Expect();

        Assert.Contains("container with given ID already exists", taken.Error);
        Assert.Equal("not ours", File.ReadAllText(Path.Combine(foreign, "state.json")));
        Directory.Delete(foreign, recursive: true);
    }

    private static CommandResult Run(Workplace place, params string[] words)
    {
        using RunningCommand command = RunningCommand.Start(Executable.Path, words, start => start.WorkingDirectory = place.Path);
        return command.CloseInput().Wait();
    }

    private static void Refused(Workplace place, string[] words, params string[] said)
    {
        CommandResult result = place.Run(words);
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.All(said, part => Assert.Contains(part, result.Error));
        Assert.Equal("", place.Run("list", "--quiet").Expect());
    }

    // A path as the messages print it: members with dots, elements with brackets.
    private static void Set(JsonObject config, string path, JsonNode value)
    {
        JsonNode node = config;
        string[] steps = path.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        foreach (string step in steps[..^1])
        {
            node = step[0] == '[' ? node[int.Parse(step[1..^1])]! : node[step] ??= new JsonObject();
        }

        node[steps[^1]] = value;
    }
}
