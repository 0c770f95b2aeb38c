using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Caisson;

/// <summary>Names with values, for people as lines and for programs as a JSON object.</summary>
internal sealed class FactList
{
    private readonly List<(string Name, string Value)> _facts = [];

    internal void Add(string name, string value) => _facts.Add((name, value));

    internal string ToText()
    {
        int width = 0;
        foreach ((string name, _) in _facts)
        {
            width = Math.Max(width, name.Length + 2);
        }

        var text = new StringBuilder();
        foreach ((string name, string value) in _facts)
        {
            text.Append((name + ":").PadRight(width)).Append(value.Length == 0 ? "(default)" : value).Append('\n');
        }

        return text.ToString();
    }

    internal string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach ((string name, string value) in _facts)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
