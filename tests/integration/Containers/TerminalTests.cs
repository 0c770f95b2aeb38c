using System.Text.Json.Nodes;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containers;

/// <summary>Containers on terminals: a person's, and an engine's.</summary>
public sealed class TerminalTests : ContainerTest
{
    [Theory, Isolations]
    public void Shell_on_a_terminal_reads_writes_and_is_resized(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Terminal().Script("tty; stty size; echo ready; while read line; do [ \"$line\" = end ] && exit 5; $line; done");

        using var terminal = TerminalSession.Start(Executable.Path, [.. place.Globals, "run", "--bundle", place.Bundle.Path, place.Id], new WindowSize(30, 101));
        terminal.WaitForText("ready");
        Assert.Contains("/dev/", terminal.Screen.Text);
        WaitForSize(terminal.Type, () => terminal.Screen.Text, "30 101");

        terminal.Resize(new WindowSize(41, 132));
        WaitForSize(terminal.Type, () => terminal.Screen.Text, "41 132");
        terminal.Type("end\n");

        Assert.Equal(5, terminal.WaitForExit());
    }

    [Theory, Isolations]
    public void Interrupt_typed_at_the_terminal_is_the_workloads(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Terminal().Script("trap 'echo caught; exit 8' INT; echo ready; while :; do sleep 0.1; done");

        using var terminal = TerminalSession.Start(Executable.Path, [.. place.Globals, "run", "--bundle", place.Bundle.Path, place.Id], new WindowSize(24, 80));
        terminal.WaitForText("ready");
        terminal.Type("\u0003");

        Assert.Equal(8, terminal.WaitForExit());
        Assert.Contains("caught", terminal.Screen.Text);
    }

    [Theory, Isolations]
    public void Terminal_goes_to_the_console_socket(Isolation isolation)
    {
        Workplace place = Place(isolation);
        place.Bundle.Terminal().Script("echo ready; while read line; do [ \"$line\" = end ] && exit 5; $line; done");
        string pidFile = Path.Combine(place.Path, "pid");
        using var console = new ConsoleReceiver(Path.Combine(place.Path, "console.sock"));

        place.Create("--console-socket", console.Path, "--pid-file", pidFile);
        Assert.True(console.Receive() > 0);
        Assert.True(console.IsTerminal);
        place.Run("start", place.Id).Expect();

        console.WaitForText("ready");
        console.Resize(new WindowSize(50, 90));
        WaitForSize(console.Type, () => console.Screen.Text, "50 90");
        RunExecOnAnotherConsole(place);
        console.Type("end\n");
        Assert.Equal(5, Orphans.WaitForExit(int.Parse(File.ReadAllText(pidFile))).Code);
        place.Run("delete", place.Id).Expect();
    }

    [RootFact]
    public void Detached_terminal_without_a_console_socket_is_refused()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Terminal().Arguments("true");

        CommandResult create = place.Run("create", "--bundle", place.Bundle.Path, place.Id);
        CommandResult detach = place.Run("run", "--detach", "--bundle", place.Bundle.Path, place.Id);

        Assert.Equal((1, 1), (create.ExitCode, detach.ExitCode));
        Assert.Contains("cannot allocate tty if caisson will detach without setting console socket", create.Error);
        Assert.Contains("cannot allocate tty if caisson will detach without setting console socket", detach.Error);
    }

    [RootFact]
    public void Terminal_of_a_command_is_as_before_after_a_run()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Terminal().Arguments("true");
        string run = $"{Executable.Path} {string.Join(' ', place.Globals)} run --bundle {place.Bundle.Path} {place.Id}";

        using var terminal = TerminalSession.Start("/bin/sh", ["-c", $"stty -a >{place.Path}/before; {run}; stty -a >{place.Path}/after; echo compared"], new WindowSize(24, 80));
        terminal.WaitForText("compared");

        Assert.Equal(File.ReadAllText(Path.Combine(place.Path, "before")), File.ReadAllText(Path.Combine(place.Path, "after")));
        terminal.WaitForExit();
    }

    private static void RunExecOnAnotherConsole(Workplace place)
    {
        JsonObject process = place.Bundle.Process.DeepClone().AsObject();
        process["args"] = new JsonArray("sh", "-c", "tty; echo typed: $(head -n 1); exit 3");
        string file = Path.Combine(place.Path, "process.json");
        File.WriteAllText(file, process.ToJsonString());
        string pidFile = Path.Combine(place.Path, "exec-pid");
        using var console = new ConsoleReceiver(Path.Combine(place.Path, "exec.sock"));

        place.Run("exec", "--detach", "--process", file, "--console-socket", console.Path, "--pid-file", pidFile, place.Id).Expect();
        console.Receive();
        console.Type("words\n");

        console.WaitForText("typed: words");
        Assert.Equal(3, Orphans.WaitForExit(int.Parse(File.ReadAllText(pidFile))).Code);
    }

    // A new size takes its way through several processes, so the question is repeated until the answer is right.
    private static void WaitForSize(Action<string> type, Func<string> screen, string size) =>
        Deadline.Wait($"a terminal of {size}", () =>
        {
            int before = screen().Length;
            type("stty size\n");
            // The echo of the question and the answer to it.
            return Deadline.TryWait(() => screen()[before..].Contains(size, StringComparison.Ordinal), TimeSpan.FromSeconds(1));
        }, screen);
}
