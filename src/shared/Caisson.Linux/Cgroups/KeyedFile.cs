using System.Globalization;

namespace Caisson.Linux;

/// <summary>Kernel files of lines <c>key value</c>.</summary>
internal static class KeyedFile
{
    internal static ulong? Find(string text, string key)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (line.Length > key.Length && line[key.Length] == ' ' && line.StartsWith(key, StringComparison.Ordinal))
            {
                return ulong.TryParse(line[(key.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : ulong.MaxValue;
            }
        }

        return null;
    }

    internal static Dictionary<string, ulong> Parse(string text)
    {
        var values = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int space = line.IndexOf(' ');
            if (space > 0 && ulong.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value))
            {
                values[line[..space].ToString()] = value;
            }
        }

        return values;
    }
}
