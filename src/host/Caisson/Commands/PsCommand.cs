using System.Globalization;
using System.Text;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>ps</c>: a container's processes.</summary>
internal sealed class PsCommand : Command
{
    internal override string Name => "ps";

    internal override string Summary => "list the processes of a container";

    internal override string Usage => "[options] CONTAINER [PS-OPTIONS...]";

    internal override IReadOnlyList<Flag> Flags => [Flag.Choice("format", "FORMAT", "table, or json for the host's pids (default: table)", ["table", "json"], 'f')];

    internal override int MostArguments => int.MaxValue;

    internal override bool StopsAtFirstArgument => true;

    internal override int Run(Invocation invocation)
    {
        (ContainerRecord record, IContainerBackend backend) = new Runtime(invocation).Load(invocation.Arguments[0]);
        string format = invocation.Flags.Text("format") ?? "table";
        string text = format switch
        {
            "json" => ToJson(backend.HostPids(record)) + "\n",
            "table" => string.Join('\n', backend.ProcessTable(record, PsOptions(invocation.Arguments))) + "\n",
            _ => throw new SandboxException($"invalid format option \"{format}\": expected table or json"),
        };
        StandardStream.Output.Write(text);
        return 0;
    }

    private static string[] PsOptions(IReadOnlyList<string> arguments)
    {
        string[] options = new string[arguments.Count - 1];
        for (int i = 0; i < options.Length; i++)
        {
            options[i] = arguments[i + 1];
        }

        return options;
    }

    private static string ToJson(IReadOnlyList<int> pids)
    {
        var text = new StringBuilder("[");
        foreach (int pid in pids)
        {
            if (text.Length > 1)
            {
                text.Append(',');
            }

            text.Append(pid.ToString(CultureInfo.InvariantCulture));
        }

        return text.Append(']').ToString();
    }
}
