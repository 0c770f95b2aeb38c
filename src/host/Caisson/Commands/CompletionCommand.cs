namespace Caisson;

/// <summary><c>completion</c>: what a shell needs to complete this program's command lines.</summary>
internal sealed class CompletionCommand : Command
{
    internal override string Name => "completion";

    internal override string Summary => "print a completion script for bash, zsh or fish";

    internal override string Usage => "bash|zsh|fish";

    internal override string Description =>
        """
        For this shell only:
           source <(caisson completion bash)
           source <(caisson completion zsh)        (after compinit)
           caisson completion fish | source
        For every shell, `./dev install PREFIX` puts the scripts where the shells look.
        """;

    internal override int Run(Invocation invocation)
    {
        string script = invocation.Arguments[0] switch
        {
            "bash" => BashCompletion.Write(),
            "zsh" => ZshCompletion.Write(),
            "fish" => FishCompletion.Write(),
            string other => throw new UsageException($"completion: unknown shell \"{other}\": expected bash, zsh or fish"),
        };
        StandardStream.Output.Write(script);
        return 0;
    }
}
