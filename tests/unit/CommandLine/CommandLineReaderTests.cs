
namespace Caisson.UnitTests.CommandLine;

public sealed class CommandLineReaderTests
{
    private static readonly CommandLog s_log = new(file: null, json: false, debug: false);

    [Fact]
    public void Docker_s_command_line_for_create_is_understood()
    {
        CommandLineReader.Request request = Read(
            "--root", "/run/docker/runtime-caisson/moby", "--log", "/b/log.json", "--log-format", "json", "--systemd-cgroup",
            "create", "--bundle", "/b", "--pid-file", "/b/init.pid", "--console-socket", "/tmp/pty", "abc");

        Assert.IsType<CreateCommand>(request.Command);
        Assert.Equal("/run/docker/runtime-caisson/moby", request.Invocation!.Globals.Root);
        Assert.True(request.Invocation.Globals.LogsJson);
        Assert.True(request.Invocation.Globals.SystemdCgroup);
        Assert.Equal("/b/init.pid", request.Invocation.Flags.Text("pid-file"));
        Assert.Equal(["abc"], request.Invocation.Arguments);
    }

    [Fact]
    public void Podman_s_command_lines_are_understood()
    {
        CommandLineReader.Request update = Read("update", "--resources=/r.json", "abc");
        CommandLineReader.Request exec = Read(
            "exec", "--pid-file", "/p", "--process", "/f", "--detach", "--tty", "--console-socket", "/s", "abc");
        CommandLineReader.Request kill = Read("kill", "--all", "abc", "9");
        CommandLineReader.Request delete = Read("delete", "--force", "abc");

        Assert.Equal("/r.json", update.Invocation!.Flags.Text("resources"));
        Assert.True(exec.Invocation!.Flags.IsSet("detach"));
        Assert.Equal("/f", exec.Invocation.Flags.Text("process"));
        Assert.Equal(["abc", "9"], kill.Invocation!.Arguments);
        Assert.True(delete.Invocation!.Flags.IsSet("force"));
    }

    [Fact]
    public void An_unknown_command_has_runcs_exit_code()
    {
        UsageException wrong = Assert.Throws<UsageException>(() => Read("bogus"));

        Assert.Equal(3, wrong.ExitCode);
        Assert.StartsWith("No help topic for 'bogus'", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("caisson: \"start\" requires exactly 1 argument(s)", "start")]
    [InlineData("caisson: \"start\" requires exactly 1 argument(s)", "start", "a", "b")]
    [InlineData("caisson: \"kill\" requires a minimum of 1 argument(s)", "kill")]
    [InlineData("caisson: \"list\" requires exactly 0 argument(s)", "list", "x")]
    public void A_wrong_number_of_arguments_is_an_error_with_the_usage(string begin, params string[] words)
    {
        UsageException wrong = Assert.Throws<UsageException>(() => Read(words));

        Assert.StartsWith(begin, wrong.Message, StringComparison.Ordinal);
        Assert.Contains("--help", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_listed_command_has_help()
    {
        foreach (string name in CommandTable.Names)
        {
            string? text = name == "guest" ? HelpText.ForCommand(new GuestCommand()) : Read(name, "--help").Text;

            Assert.Contains($"caisson {name}", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--log-format", "yaml", "list")]
    [InlineData("--rootless", "perhaps", "list")]
    [InlineData("--bogus")]
    public void Wrong_global_flags_are_refused(params string[] words) => Assert.Throws<UsageException>(() => Read(words));

    [Fact]
    public void The_version_is_what_docker_looks_for()
    {
        string text = VersionText.ForEngines();

        Assert.StartsWith("caisson version ", text, StringComparison.Ordinal);
        Assert.Contains("\nspec: 1.2.0\n", text, StringComparison.Ordinal);
    }

    private static CommandLineReader.Request Read(params string[] words)
    {
        (GlobalOptions globals, string[] rest, string? text) = CommandLineReader.ReadGlobals(words);
        return text is null ? CommandLineReader.ReadCommand(globals, rest, s_log) : new CommandLineReader.Request(null, null, text);
    }
}
