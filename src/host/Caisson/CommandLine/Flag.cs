namespace Caisson;

/// <summary>What a flag takes.</summary>
internal enum FlagKind
{
    /// <summary>Nothing: it is there or not (<c>--force</c>, <c>--force=false</c>).</summary>
    Switch,

    /// <summary>One value; a later one replaces an earlier one.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>One value each time the flag is given.</summary>
    List,

    /// <summary>One whole number each time the flag is given.</summary>
    Numbers,
}

/// <summary>One flag of a command, or of all of them.</summary>
/// <param name="Name">The long name, without dashes.</param>
/// <param name="Short">The one-letter form, or <c>'\0'</c>.</param>
/// <param name="Kind">What it takes.</param>
/// <param name="Help">One line for <c>--help</c>.</param>
/// <param name="ValueName">How <c>--help</c> calls the value.</param>
internal sealed record Flag(string Name, char Short, FlagKind Kind, string Help, string ValueName = "value")
{
    internal static Flag Switch(string name, string help, char shortName = '\0') => new(name, shortName, FlagKind.Switch, help);

    internal static Flag Text(string name, string valueName, string help, char shortName = '\0') =>
        new(name, shortName, FlagKind.Text, help, valueName);

    internal static Flag Number(string name, string help, char shortName = '\0') => new(name, shortName, FlagKind.Number, help, "N");

    internal static Flag List(string name, string valueName, string help, char shortName = '\0') =>
        new(name, shortName, FlagKind.List, help, valueName);

    internal static Flag Numbers(string name, string valueName, string help, char shortName = '\0') =>
        new(name, shortName, FlagKind.Numbers, help, valueName);

    internal static Flag Choice(string name, string valueName, string help, string[] choices, char shortName = '\0') =>
        new(name, shortName, FlagKind.Text, help, valueName) { Choices = choices };

    /// <summary>What the value may be, for a shell that completes it; empty where it is free. Whoever reads the value checks it.</summary>
    internal IReadOnlyList<string> Choices { get; private init; } = [];

    internal bool TakesValue => Kind != FlagKind.Switch;

    /// <summary>How <c>--help</c> shows it: <c>--bundle DIR, -b DIR</c>.</summary>
    internal string Shape()
    {
        string value = TakesValue ? " " + ValueName : "";
        return Short == '\0' ? $"--{Name}{value}" : $"--{Name}{value}, -{Short}{value}";
    }
}
