using System.Text;
using System.Text.Json;

namespace Caisson.Oci;

/// <summary>
/// Finds the path of a token by its place in the document. Nothing is tracked while reading: a good document pays nothing,
/// a bad one is read a second time up to the error.
/// </summary>
internal static class JsonPath
{
    // One container that is open at the place in question: an object's current field, or an array's current index.
    private record struct Level(string? Field, int Index);

    internal static string At(ReadOnlySpan<byte> document, long offset)
    {
        var levels = new List<Level>();
        var json = new Utf8JsonReader(document, SpecCursor.JsonOptions);
        try
        {
            while (json.Read() && !Visit(ref json, levels, offset))
            {
            }
        }
        catch (JsonException)
        {
            // The document ends to be JSON here: the open containers are the answer.
        }
        return Print(levels);
    }

    private static bool Visit(ref Utf8JsonReader json, List<Level> levels, long offset)
    {
        bool arrived = json.TokenStartIndex >= offset;
        if (json.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject)
        {
            if (!arrived)
            {
                levels.RemoveAt(levels.Count - 1);
            }
            return arrived;
        }
        if (json.TokenType == JsonTokenType.PropertyName)
        {
            levels[^1] = new Level(SafeText(ref json), 0);
        }
        else if (levels.Count > 0 && levels[^1].Field is null)
        {
            levels[^1] = levels[^1] with { Index = levels[^1].Index + 1 };
        }
        if (arrived)
        {
            return true;
        }
        if (json.TokenType == JsonTokenType.StartArray)
        {
            levels.Add(new Level(null, -1));
        }
        else if (json.TokenType == JsonTokenType.StartObject)
        {
            levels.Add(new Level("", 0));
        }
        return false;
    }

    private static string SafeText(ref Utf8JsonReader json)
    {
        try
        {
            return json.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return "?";
        }
    }

    private static string Print(List<Level> levels)
    {
        var path = new StringBuilder();
        foreach (Level level in levels)
        {
            if (level.Field is { } field)
            {
                AppendField(path, field);
            }
            else if (level.Index >= 0)
            {
                path.Append('[').Append(level.Index).Append(']');
            }
        }
        return path.ToString();
    }

    internal static string Join(string parent, string field)
    {
        var path = new StringBuilder(parent);
        AppendField(path, field);
        return path.ToString();
    }

    // A key with dots in it (annotations, sysctl) would read as a deeper path, so it is quoted.
    private static void AppendField(StringBuilder path, string field)
    {
        if (field.Length == 0)
        {
            return;
        }
        if (IsPlain(field))
        {
            path.Append(path.Length == 0 ? "" : ".").Append(field);
        }
        else
        {
            path.Append('[').Append(Quoted.Text(field)).Append(']');
        }
    }

    private static bool IsPlain(string field)
    {
        foreach (char c in field)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
            {
                return false;
            }
        }
        return field.Length <= SpecLimits.MaxQuotedChars;
    }
}
