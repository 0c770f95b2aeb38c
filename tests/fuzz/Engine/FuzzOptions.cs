using System.Globalization;

namespace Caisson.Fuzz;

/// <summary>What a run is to do.</summary>
internal sealed record FuzzOptions
{
    private const int DefaultSeed = 1;

    /// <summary>For all targets together; shared equally.</summary>
    internal TimeSpan Time { get; private init; } = TimeSpan.FromMinutes(1);

    /// <summary>For each target, instead of a time: the same inputs on a slow machine as on a fast one. 0: the time counts.</summary>
    internal long Executions { get; private init; }

    internal IReadOnlyList<string> Targets { get; private init; } = [];

    internal int Seed { get; private init; } = DefaultSeed;

    /// <summary>Where findings and the instrumented copy go.</summary>
    internal string Place { get; private init; } = "out/fuzz";

    internal string? Replay { get; private init; }

    internal bool List { get; private init; }

    /// <exception cref="FormatException">The text names the argument.</exception>
    internal static FuzzOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new FuzzOptions();
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            if (name == "--list")
            {
                options = options with { List = true };
                continue;
            }

            string value = ++i < arguments.Length ? arguments[i] : throw new FormatException($"{name} needs a value");
            options = name switch
            {
                "--minutes" => options with { Time = TimeSpan.FromMinutes(Number(name, value)) },
                "--seconds" => options with { Time = TimeSpan.FromSeconds(Number(name, value)) },
                "--executions" => options with { Executions = (long)Number(name, value) },
                "--target" => options with { Targets = [.. options.Targets, value] },
                "--seed" => options with { Seed = (int)Number(name, value) },
                "--out" => options with { Place = value },
                "--replay" => options with { Replay = value },
                _ => throw new FormatException($"unknown argument {name}"),
            };
        }

        return options;
    }

    private static double Number(string name, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number is >= 0 and <= int.MaxValue
            ? number
            : throw new FormatException($"{name}: {text} is no number");
}
