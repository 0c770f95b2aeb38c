namespace Caisson.Fuzz;

/// <summary>The command line of <c>./dev fuzz</c>, and the workers' own.</summary>
internal static class Entry
{
    private const string WorkerVerb = "worker";

    internal static int Run(string[] arguments)
    {
        try
        {
            return arguments is [WorkerVerb, var state, ..]
                ? Work(state, FuzzOptions.Parse(arguments.AsSpan(2)))
                : Drive(FuzzOptions.Parse(arguments));
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine($"fuzz: {wrong.Message}");
            return 2;
        }
    }

    private static int Work(string state, FuzzOptions options)
    {
        using var current = new CurrentInput(state);
        return new Worker(Choose(options)[0], options, current).Run();
    }

    private static int Drive(FuzzOptions options)
    {
        if (options.List)
        {
            foreach (IFuzzTarget target in AllTargets.List)
            {
                Console.WriteLine(target.Name);
            }

            return 0;
        }

        Directory.CreateDirectory(options.Place);
        return options.Replay is { } file ? Replay(file) : new Driver(options).Run(Choose(options)) == 0 ? 0 : 1;
    }

    private static int Replay(string file)
    {
        IFuzzTarget target = Find(Findings.TargetOf(file));
        string? why = Execution.Try(target, File.ReadAllBytes(file));
        Console.WriteLine(why ?? $"{target.Name}: nothing is wrong with this input any more");
        return why is null ? 0 : 1;
    }

    private static IReadOnlyList<IFuzzTarget> Choose(FuzzOptions options) =>
        options.Targets.Count == 0 ? AllTargets.List : [.. options.Targets.Select(Find)];

    private static IFuzzTarget Find(string name) =>
        AllTargets.List.FirstOrDefault(target => target.Name == name)
        ?? throw new FormatException($"there is no target {name}; these are: {string.Join(' ', AllTargets.List.Select(target => target.Name))}");
}
