namespace Caisson;

/// <summary><c>version</c>: what <c>--version</c> prints.</summary>
internal sealed class VersionCommand : Command
{
    internal override string Name => "version";

    internal override string Summary => "print the versions of this program and of the specification it implements";

    internal override string Usage => "";

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        StandardStream.Output.Write(VersionText.ForEngines());
        return 0;
    }
}
