using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>check</c>: what this machine can do, why not, and how to mend it.</summary>
internal sealed class CheckCommand : Command
{
    internal override string Name => "check";

    internal override string Summary => "say what this machine can do, and how to mend the rest";

    internal override string Usage => "[options]";

    internal override string Description => "Exits with 0 if the default isolation is possible here, with 1 if not.";

    internal override IReadOnlyList<Flag> Flags => [Flag.Switch("json", "as JSON")];

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        Configuration configuration = ConfigurationReader.Read(invocation.Globals.Config);
        var runtime = new Runtime(invocation);
        Isolation standard = runtime.Choice(configuration).For(null);
        var report = new CheckReport([.. KernelChecks.All(), .. MachineChecks.All(configuration.Vm, Path.Combine(Path.GetDirectoryName(runtime.Places.Sandboxes)!, "probe"))], standard);
        StandardStream.Output.Write(invocation.Flags.IsSet("json") ? report.ToJson() : report.ToText());
        return report.IsPossible(standard) ? 0 : 1;
    }
}
