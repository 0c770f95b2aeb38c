using System.Text.Json;

namespace Caisson.Hypervisors;

/// <summary>One line from QEMU's monitor (QEMU's docs/interop/qmp-spec).</summary>
public abstract record QmpMessage
{
    // Replies are shallow; the deepest, query-qmp-schema, stays below ten.
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 32 };

    private QmpMessage()
    {
    }

    /// <summary>What QEMU says first; commands other than qmp_capabilities are refused until that one was answered.</summary>
    public sealed record Greeting(string Version) : QmpMessage;

    /// <summary>A command succeeded.</summary>
    public sealed record Reply(long Id, JsonElement Value) : QmpMessage;

    /// <summary>A command failed. No id: QEMU could not even read the command.</summary>
    public sealed record Failure(long? Id, string ErrorClass, string Description) : QmpMessage;

    /// <summary>Something happened in the machine.</summary>
    public sealed record Notification(string Name, JsonElement Data) : QmpMessage
    {
        /// <summary>A text member of the event's data; null where it is missing, of another type, or no Unicode.</summary>
        public string? Text(string member)
        {
            try
            {
                return Data.ValueKind == JsonValueKind.Object && Data.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String
                    ? value.GetString()
                    : null;
            }
            catch (InvalidOperationException)
            {
                // Text is checked only where it is taken; a captured QEMU may send any bytes.
                return null;
            }
        }
    }

    /// <summary>Reads one line. A captured QEMU may send anything, so a line of unknown shape is refused, never guessed at.</summary>
    /// <exception cref="QmpException">The line is not one of the four messages.</exception>
    public static QmpMessage Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, s_options);
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object ? Classify(root) : throw Malformed("the line is not an object");
        }
        catch (JsonException cause)
        {
            throw new QmpException("read", $"the line is not JSON: {cause.Message}", cause: cause);
        }
        catch (InvalidOperationException cause)
        {
            // JsonElement's own check of text: unpaired surrogates and invalid UTF-8 come to light when a string is taken.
            throw new QmpException("read", $"a string is not Unicode: {cause.Message}", cause: cause);
        }
    }

    private static QmpMessage Classify(JsonElement root)
    {
        if (root.TryGetProperty("return", out JsonElement value))
        {
            return new Reply(ReadId(root) ?? throw Malformed("a reply has no id of ours"), value.Clone());
        }

        if (root.TryGetProperty("error", out JsonElement error))
        {
            return new Failure(ReadId(root), RequireText(error, "class"), RequireText(error, "desc"));
        }

        if (root.TryGetProperty("event", out JsonElement name) && name.ValueKind == JsonValueKind.String)
        {
            return new Notification(name.GetString()!, root.TryGetProperty("data", out JsonElement data) ? data.Clone() : default);
        }

        return root.TryGetProperty("QMP", out JsonElement greeting)
            ? new Greeting(ReadVersion(greeting))
            : throw Malformed("the line is neither greeting, reply, error nor event");
    }

    private static long? ReadId(JsonElement root) =>
        root.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out long number) ? number : null;

    private static string RequireText(JsonElement parent, string member) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Malformed($"an error has no text '{member}'");

    private static string ReadVersion(JsonElement greeting)
    {
        JsonElement version = Member(Member(greeting, "version"), "qemu");
        return $"{Number(version, "major")}.{Number(version, "minor")}.{Number(version, "micro")}";
    }

    private static JsonElement Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value)
            ? value
            : throw Malformed($"the greeting has no '{name}'");

    private static int Number(JsonElement parent, string name)
    {
        JsonElement value = Member(parent, name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Malformed($"the greeting's '{name}' is no number");
    }

    private static QmpException Malformed(string reason) => new("read", reason);
}
