using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>list</c>: the containers below the root.</summary>
internal sealed class ListCommand : Command
{
    internal override string Name => "list";

    internal override string Summary => "list the containers";

    internal override string Usage => "[options]";

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Choice("format", "FORMAT", "table or json (default: table)", ["table", "json"], 'f'),
        Flag.Switch("quiet", "only the ids", 'q'),
    ];

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        var runtime = new Runtime(invocation);
        string format = invocation.Flags.Text("format") ?? "table";
        if (format is not ("table" or "json"))
        {
            throw new SandboxException($"invalid format option \"{format}\": expected table or json");
        }

        IReadOnlyList<ListedContainer> containers = Collect(runtime, invocation.Log);
        if (invocation.Flags.IsSet("quiet"))
        {
            foreach (ListedContainer container in containers)
            {
                StandardStream.Output.WriteLine(container.Record.Id);
            }
        }
        else if (format == "json")
        {
            StandardStream.Output.Write(ContainerListing.ToJson(containers));
            StandardStream.Output.Write("\n");
        }
        else
        {
            StandardStream.Output.Write(ContainerListing.ToTable(containers));
        }

        return 0;
    }

    // One broken record must not hide the others.
    private static List<ListedContainer> Collect(Runtime runtime, CommandLog log)
    {
        var containers = new List<ListedContainer>();
        foreach (string id in runtime.Store.Ids())
        {
            try
            {
                StoredContainer found = runtime.Store.Look(id);
                if (found.Record is { } record)
                {
                    containers.Add(new ListedContainer(record, runtime.Backend(record.Isolation).Look(record)));
                }
            }
            catch (SandboxException broken)
            {
                log.Error($"load container {id}: {broken.Message}");
            }
        }

        return containers;
    }
}
