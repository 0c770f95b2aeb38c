using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>The completion scripts, in the shells they are for.</summary>
public sealed class CompletionTests : ContainerTest
{
    // Completes the words that follow, the last of which is being typed.
    private const string Bash = """
        source <("$CAISSON" completion bash)
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _caisson
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    [RootTheory]
    [InlineData("sta", "start\nstate\n")]
    [InlineData("--iso", "--isolation\n")]
    [InlineData("--isolation n", "namespaces\n")]
    [InlineData("--log-format j", "json\n")]
    [InlineData("--root /x --debug create --bu", "--bundle\n")]
    [InlineData("exec --additional", "--additional-gids\n")]
    [InlineData("list -f ", "table\njson\n")]
    [InlineData("list --format t", "table\n")]
    [InlineData("completion z", "zsh\n")]
    public void Bash_completes_commands_flags_and_values(string typed, string expected) => Assert.Equal(expected, InBash("caisson " + typed));

    [RootFact]
    public void Bash_knows_the_containers()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Create();

        Assert.Equal(place.Id + "\n", InBash($"{Executable.Path} --root {place.Root} kill "));
        Assert.Equal("\n", InBash($"{Executable.Path} --root {place.Root} run "));
        place.Run("delete", place.Id).Expect();
    }

    [RootTheory]
    [InlineData("sta", "start\nstate\n")]
    [InlineData("--isolation n", "namespaces\n")]
    [InlineData("create --bu", "--bundle\n")]
    [InlineData("--root /x exec --additional", "--additional-gids\n")]
    [InlineData("completion z", "zsh\n")]
    public void Fish_completes_commands_flags_and_values(string typed, string expected)
    {
        // Before a tab is what is completed, after it its description.
        string found = InShell("fish", "--no-config", "-c", $"$CAISSON completion fish | source; complete --do-complete 'caisson {typed}' | cut -f1");

        Assert.Equal(expected, found);
    }

    // zsh completes at a terminal only. What its completion functions are given shows what they would offer.
    private const string Zsh = """
        _arguments() { print -rl -- "$@"; state=$STATE }
        _describe() { print -rl -- "${(P@)2}" }
        compdef() { print -r -- "compdef $*" }
        source <($CAISSON completion zsh)
        words=($WORD)
        _caisson
        """;

    [RootTheory]
    [InlineData("command", "", "state:print the state of a container as JSON")]
    [InlineData("command", "", "--isolation[vm, namespaces or kernel (default\\: as configured, else vm)]:KIND:(vm namespaces kernel)")]
    [InlineData("command", "", "compdef _caisson caisson caisson-vm caisson-namespaces")]
    [InlineData("arguments", "create", "-b[the bundle's directory (default\\: the current one)]:DIR:_files -/")]
    [InlineData("arguments", "exec", "*--env[set a variable; may be given several times]:NAME=VALUE:")]
    [InlineData("arguments", "kill", "1:container:_caisson_containers")]
    [InlineData("arguments", "completion", "1: :(bash zsh fish)")]
    public void Zsh_is_offered_commands_flags_and_values(string state, string word, string expected)
    {
        using RunningCommand zsh = RunningCommand.Start("/usr/bin/zsh", ["-f", "-c", Zsh], start =>
        {
            start.Environment["CAISSON"] = Executable.Path;
            start.Environment["STATE"] = state;
            start.Environment["WORD"] = word;
        });

        Assert.Contains(expected, zsh.CloseInput().Wait().Expect().Split('\n'));
    }

    private static string InBash(string typed)
    {
        // A word that is only begun may be empty.
        using RunningCommand bash = RunningCommand.Start("/bin/bash", ["--norc", "-c", Bash, "bash", .. typed.Split(' ')], start => start.Environment["CAISSON"] = Executable.Path);
        return bash.CloseInput().Wait().Expect();
    }

    private static string InShell(string shell, params string[] words)
    {
        using RunningCommand command = RunningCommand.Start($"/usr/bin/{shell}", words, start => start.Environment["CAISSON"] = Executable.Path);
        return command.CloseInput().Wait().Expect();
    }
}
