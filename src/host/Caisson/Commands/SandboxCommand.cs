using Caisson.Sandboxes;

namespace Caisson;

/// <summary><c>sandbox</c>: the sandboxes of all roots, whether the command line or a shim made them, and what killed owners left.</summary>
internal sealed class SandboxCommand : Command
{
    internal override string Name => "sandbox";

    internal override string Summary => "list and inspect sandboxes, and remove what killed owners left";

    internal override string Usage => "[options] list | inspect SANDBOX | gc";

    internal override string Description =>
        """
        `list` shows the sandboxes of every root that is known: --root, the default one, containerd's, and those that sandboxes name.
        `inspect` prints all that is known of one as JSON; a beginning of its id is enough where it is the only such one.
        `gc` ends and removes what a killed command, supervisor or shim left: processes, cgroups, sockets, directories, half-made
        containers. What lives, and every complete record of a container, stays. It prints what it removed.
        """;

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Choice("format", "FORMAT", "of list: table or json (default: table)", ["table", "json"], 'f'),
        Flag.Switch("quiet", "of list: only the ids", 'q'),
        Flag.Switch("dry-run", "of gc: only say what would be removed"),
    ];

    internal override int MostArguments => 2;

    internal override int Run(Invocation invocation)
    {
        string verb = invocation.Arguments[0];
        bool hasRightCount = invocation.Arguments.Count == (verb == "inspect" ? 2 : 1);
        switch (verb)
        {
            case "list" when hasRightCount:
                List(invocation);
                return 0;
            case "inspect" when hasRightCount:
                Inspect(invocation, invocation.Arguments[1]);
                return 0;
            case "gc" when hasRightCount:
                return Collect(invocation);
            default:
                throw new UsageException($"sandbox: expected list, inspect SANDBOX or gc; usage: {HelpText.UsageLine(this)}");
        }
    }

    private static void List(Invocation invocation)
    {
        string format = invocation.Flags.Text("format") ?? "table";
        if (format is not ("table" or "json"))
        {
            throw new SandboxException($"invalid format option \"{format}\": expected table or json");
        }

        IReadOnlyList<FoundSandbox> sandboxes = Take(invocation).Sandboxes;
        if (invocation.Flags.IsSet("quiet"))
        {
            foreach (FoundSandbox sandbox in sandboxes)
            {
                StandardStream.Output.WriteLine(sandbox.Id);
            }
        }
        else if (format == "json")
        {
            StandardStream.Output.Write(SandboxListing.ToJson(sandboxes));
        }
        else
        {
            StandardStream.Output.Write(SandboxListing.ToTable(sandboxes));
        }
    }

    private static void Inspect(Invocation invocation, string id)
    {
        FoundSandbox? found = null;
        foreach (FoundSandbox sandbox in Take(invocation).Sandboxes)
        {
            if (!sandbox.Id.StartsWith(id, StringComparison.Ordinal))
            {
                continue;
            }

            if (found is not null && found.Id != id && sandbox.Id != id)
            {
                throw new SandboxException($"sandbox {id}: several begin so: {found.Id}, {sandbox.Id}");
            }

            found = found?.Id == id ? found : sandbox;
        }

        StandardStream.Output.Write(SandboxListing.Describe(
            found ?? throw new SandboxException($"sandbox {id}: there is none; `caisson sandbox list` shows them")));
    }

    private static int Collect(Invocation invocation)
    {
        bool onlySay = invocation.Flags.IsSet("dry-run");
        int failures = 0;
        foreach (Leftover leftover in (IReadOnlyList<Leftover>)[.. SandboxSweep.Find(Take(invocation)), .. ShimRemains.Find()])
        {
            if (onlySay)
            {
                StandardStream.Output.WriteLine($"would remove {leftover.What}: {leftover.Why}");
            }
            else if (leftover.Remove())
            {
                StandardStream.Output.WriteLine($"removed {leftover.What}: {leftover.Why}");
            }
            else
            {
                failures++;
                invocation.Log.Error($"{leftover.What}: could not be removed: somebody works on it, or it does not end; try again");
            }
        }

        return failures == 0 ? 0 : 1;
    }

    private static SandboxInventory Take(Invocation invocation)
    {
        RuntimePlaces places = new Runtime(invocation).Places;
        // Beside --root also the place that holds without it.
        var inventory = SandboxInventory.Take(places.Sandboxes, [places.Root, Path.GetDirectoryName(places.Sandboxes)!, .. ShimPlace.AllRoots()]);
        foreach (string problem in inventory.Problems)
        {
            invocation.Log.Warning(problem);
        }

        return inventory;
    }
}
