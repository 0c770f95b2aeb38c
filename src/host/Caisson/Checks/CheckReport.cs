using System.Buffers;
using System.Text;
using System.Text.Json;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What was looked at, and what follows for each isolation.</summary>
internal sealed class CheckReport(IReadOnlyList<CheckItem> items, Isolation standard)
{
    internal bool IsPossible(Isolation isolation) => Reason(isolation) is null;

    /// <summary>Why an isolation does not work; null where it does.</summary>
    internal string? Reason(Isolation isolation)
    {
        if (isolation == Isolation.Kernel)
        {
            return "not there yet";
        }

        CheckScope scope = isolation == Isolation.Vm ? CheckScope.Vm : CheckScope.Namespaces;
        var missing = new List<string>();
        foreach (CheckItem item in items)
        {
            if (item.Level == CheckLevel.Missing && (item.Scope & scope) != 0)
            {
                missing.Add(item.Name);
            }
        }

        return missing.Count == 0 ? null : "missing: " + string.Join(", ", missing);
    }

    internal string ToText()
    {
        var text = new StringBuilder();
        foreach (CheckItem item in items)
        {
            text.Append(Mark(item.Level)).Append(' ').Append(item.Name.PadRight(17)).Append(item.Found).Append('\n');
            if (item.Level != CheckLevel.Good && item.Remedy.Length > 0)
            {
                text.Append("              -> ").Append(item.Remedy).Append('\n');
            }
        }

        text.Append('\n');
        foreach (Isolation isolation in (Isolation[])[Isolation.Vm, Isolation.Namespaces, Isolation.Kernel])
        {
            text.Append("isolation ").Append(IsolationName.Of(isolation).PadRight(12)).Append(Reason(isolation) ?? "possible");
            text.Append(isolation == standard ? "   (the default here)\n" : "\n");
        }

        return text.ToString();
    }

    internal string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("default", IsolationName.Of(standard));
            json.WriteStartObject("isolations");
            foreach (Isolation isolation in (Isolation[])[Isolation.Vm, Isolation.Namespaces, Isolation.Kernel])
            {
                json.WriteStartObject(IsolationName.Of(isolation));
                json.WriteBoolean("possible", IsPossible(isolation));
                json.WriteString("reason", Reason(isolation) ?? "");
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartArray("checks");
            foreach (CheckItem item in items)
            {
                WriteItem(json, item);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void WriteItem(Utf8JsonWriter json, CheckItem item)
    {
        json.WriteStartObject();
        json.WriteString("name", item.Name);
        json.WriteString("level", Word(item.Level));
        json.WriteStartArray("neededBy");
        if ((item.Scope & CheckScope.Vm) != 0)
        {
            json.WriteStringValue("vm");
        }

        if ((item.Scope & CheckScope.Namespaces) != 0)
        {
            json.WriteStringValue("namespaces");
        }

        json.WriteEndArray();
        json.WriteString("found", item.Found);
        json.WriteString("remedy", item.Level == CheckLevel.Good ? "" : item.Remedy);
        json.WriteEndObject();
    }

    private static string Word(CheckLevel level) => level switch
    {
        CheckLevel.Good => "good",
        CheckLevel.Limited => "limited",
        _ => "missing",
    };

    private static string Mark(CheckLevel level) => $"[{Word(level)}]".PadRight(10);
}
