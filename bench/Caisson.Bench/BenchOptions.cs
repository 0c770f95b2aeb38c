namespace Caisson.Bench;

/// <summary>What to measure, and how often.</summary>
internal sealed record BenchOptions
{
    internal const string Help = """
        usage: ./dev bench [OPTIONS]

        Measures Caisson beside crun, runc and a bare QEMU, alternating in random order in the same run. Times are medians
        [min..max]; the ratios are what the targets speak of. A target that is not met is said, and is no failure.

          --only NAME     only this one (may be repeated): run, vm-run, vm-exec, memory, steps, many,
                          ctr, shim, pods, tcp
          --rounds N      rounds of the short measurements (40; those of machines are a quarter of it)
          --quick         few rounds: a first impression
          --full          also what takes long: 500 containers at once, and ctr, shim, pods, tcp
          --json FILE     the results, for a program

        """;

    internal bool WantsHelp { get; private init; }

    internal int Rounds { get; private init; } = 40;

    internal bool IsFull { get; private init; }

    internal string? JsonFile { get; private init; }

    private List<string> Only { get; init; } = [];

    internal int MachineRounds => Math.Max(3, Rounds / 4);

    internal bool Wants(IBenchmark benchmark) => Only.Count == 0 ? IsFull || !benchmark.IsLong : Only.Contains(benchmark.Name);

    internal static BenchOptions Read(string[] words)
    {
        var only = new List<string>();
        var options = new BenchOptions { Only = only };
        for (int at = 0; at < words.Length; at++)
        {
            string Value() => ++at < words.Length ? words[at] : throw new BenchException($"{words[at - 1]} needs a value");
            options = words[at] switch
            {
                "--help" or "-h" => options with { WantsHelp = true },
                "--quick" => options with { Rounds = 8 },
                "--full" => options with { IsFull = true },
                "--rounds" => options with { Rounds = Positive(Value()) },
                "--json" => options with { JsonFile = Path.GetFullPath(Value()) },
                "--only" => Add(options, only, Value()),
                _ => throw new BenchException($"unknown argument {words[at]} (--help lists them)"),
            };
        }

        return options;
    }

    private static BenchOptions Add(BenchOptions options, List<string> only, string name)
    {
        if (!Benchmarks.All.Any(benchmark => benchmark.Name == name))
        {
            throw new BenchException($"there is no benchmark {name}: {string.Join(", ", Benchmarks.All.Select(benchmark => benchmark.Name))}");
        }

        only.Add(name);
        return options;
    }

    private static int Positive(string text) =>
        int.TryParse(text, out int number) && number > 0 ? number : throw new BenchException($"--rounds {text}: a positive number was expected");
}
