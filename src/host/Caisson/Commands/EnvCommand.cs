using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>env</c>: what is decided on this machine before any container is looked at, and where each decision comes from.</summary>
internal sealed class EnvCommand : Command
{
    internal override string Name => "env";

    internal override string Summary => "print the places, the isolation and the configuration in force";

    internal override string Usage => "[options]";

    internal override IReadOnlyList<Flag> Flags => [Flag.Switch("json", "as JSON")];

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        Configuration configuration = ConfigurationReader.Read(invocation.Globals.Config);
        var facts = new FactList();
        facts.Add("version", VersionText.Program);
        facts.Add("commit", VersionText.Commit);
        facts.Add("spec", VersionText.Spec);
        facts.Add("executable", Environment.GetEnvironmentVariable(MachineAssets.ExecutableVariable) ?? Environment.ProcessPath ?? "unknown");
        facts.Add("root", runtime.Places.Root);
        facts.Add("sandboxes", runtime.Places.Sandboxes);
        facts.Add("configuration", invocation.Globals.Config ?? $"{ConfigurationReader.MainFile}, {ConfigurationReader.Directory}/*.json");
        facts.Add("isolation", IsolationName.Of(runtime.Choice(configuration).For(null)));
        facts.Add("allowedAnnotations", configuration.AllowedAnnotations.Count == 0 ? "none" : string.Join(' ', configuration.AllowedAnnotations));
        facts.Add("qemu", configuration.Vm.Qemu ?? "");
        facts.Add("virtiofsd", configuration.Vm.Virtiofsd ?? "");
        facts.Add("kernel", configuration.Vm.Kernel ?? "");
        facts.Add("initrd", configuration.Vm.Initrd ?? "");
        facts.Add("accelerator", configuration.Vm.Accelerator ?? "auto");
        StandardStream.Output.Write(invocation.Flags.IsSet("json") ? facts.ToJson() : facts.ToText());
        return 0;
    }
}
