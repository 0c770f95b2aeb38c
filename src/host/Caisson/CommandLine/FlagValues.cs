using System.Globalization;

namespace Caisson;

/// <summary>The flags that a command line gave, by long name.</summary>
internal sealed class FlagValues
{
    private readonly Dictionary<string, List<string>> _given = new(StringComparer.Ordinal);

    internal bool IsGiven(string name) => _given.ContainsKey(name);

    internal bool IsSet(string name) => _given.TryGetValue(name, out List<string>? values) && values[^1] == "true";

    internal string? Text(string name) => _given.TryGetValue(name, out List<string>? values) ? values[^1] : null;

    internal IReadOnlyList<string> List(string name) => _given.TryGetValue(name, out List<string>? values) ? values : [];

    internal int Number(string name, int otherwise = 0) =>
        _given.TryGetValue(name, out List<string>? values) ? int.Parse(values[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : otherwise;

    internal void Add(Flag flag, string value)
    {
        if (!_given.TryGetValue(flag.Name, out List<string>? values))
        {
            _given.Add(flag.Name, values = []);
        }

        values.Add(value);
    }
}
