using Caisson.Containers;
using Caisson.Hypervisors;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>Verbs by which this executable starts itself; help does not list them, and their words are not checked for people.</summary>
internal sealed class HiddenVerbs : Command
{
    private readonly Func<string[], int> _run;

    private HiddenVerbs(string name, Func<string[], int> run)
    {
        Name = name;
        _run = run;
    }

    internal override string Name { get; }

    internal override string Summary => "started by caisson itself";

    internal override string Usage => "";

    internal override bool TakesRawWords => true;

    internal static HiddenVerbs? Find(string name) => name switch
    {
        "init" => new HiddenVerbs(name, ContainerInit.RunFromVerb),
        JailLauncher.Verb => new HiddenVerbs(name, static _ => JailLauncher.Run()),
        SupervisorProgram.Verb => new HiddenVerbs(name, static words => SupervisorProgram.Run(words)),
        GuardianProgram.Verb => new HiddenVerbs(name, static words => GuardianProgram.Run(words)),
        _ => null,
    };

    internal override int Run(Invocation invocation) => _run([.. invocation.Arguments]);
}
