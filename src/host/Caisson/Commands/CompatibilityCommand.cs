namespace Caisson;

/// <summary><c>compatibility</c>: what each isolation does with each field of config.json and each command, as Markdown.</summary>
internal sealed class CompatibilityCommand : Command
{
    internal override string Name => "compatibility";

    internal override string Summary => "print what each isolation honours of config.json and the commands";

    internal override string Usage => "";

    internal override string Description => "Markdown; the same as docs/compatibility.md.";

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        StandardStream.Output.Write(CompatibilityDocument.Write());
        return 0;
    }
}
