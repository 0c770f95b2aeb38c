using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>The snapshot <c>state.json</c> of a <see cref="ContainerRecord"/>, by hand: generated serialisers cost more than a whole command.</summary>
internal static class RecordFormat
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    internal static byte[] Write(ContainerRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("caissonFormat", ContainerRecord.FormatVersion);
            json.WriteString("id", record.Id);
            json.WriteString("isolation", IsolationName.Of(record.Isolation));
            json.WriteString("status", record.Status.Name());
            json.WriteString("bootId", record.BootId);
            json.WriteNumber("pid", record.Init.Pid);
            json.WriteNumber("startTime", record.Init.StartTimeTicks);
            json.WriteString("bundle", record.Bundle);
            json.WriteString("rootfs", record.Rootfs);
            json.WriteString("created", record.Created.ToString(TimeFormat, CultureInfo.InvariantCulture));
            json.WriteString("ociVersion", record.OciVersion);
            json.WriteNumber("owner", record.OwnerUserId);
            WriteOptional(json, "cgroup", record.Cgroup);
            if (record.SharesCgroup)
            {
                json.WriteBoolean("sharesCgroup", true);
            }

            WriteOptional(json, "unit", record.SystemdUnit);
            WriteOptional(json, "sandbox", record.SandboxId);
            WriteOptional(json, "sandboxOwner", record.SandboxOwner);
            WriteOptional(json, "cause", record.Cause);
            json.WriteBoolean("fifo", record.WaitsOnFifo);
            json.WriteStartObject("annotations");
            foreach (KeyValuePair<string, string> annotation in record.Annotations)
            {
                json.WriteString(annotation.Key, annotation.Value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="SandboxException">Not a snapshot of this format; the message names the file and what to do.</exception>
    internal static ContainerRecord Read(string file, byte[] bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement top = document.RootElement;
            int version = top.GetProperty("caissonFormat").GetInt32();
            if (version != ContainerRecord.FormatVersion)
            {
                throw new SandboxException(
                    $"{file}: written in format {version} by another version of caisson; this one knows format {ContainerRecord.FormatVersion}: use that version to delete the container");
            }

            return ReadFields(top);
        }
        catch (Exception cause) when (cause is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new SandboxException($"{file}: damaged: not a container's state; `caisson delete --force` removes the container", cause);
        }
    }

    private static ContainerRecord ReadFields(JsonElement top) => new()
    {
        Id = Text(top, "id"),
        Isolation = IsolationName.TryParse(Text(top, "isolation"), out Isolation isolation) ? isolation : throw new FormatException(),
        Status = ContainerStatusNames.TryParse(Text(top, "status"), out ContainerStatus status) ? status : throw new FormatException(),
        BootId = Text(top, "bootId"),
        Init = new ProcessIdentity(top.GetProperty("pid").GetInt32(), top.GetProperty("startTime").GetUInt64()),
        Bundle = Text(top, "bundle"),
        Rootfs = Text(top, "rootfs"),
        Created = top.GetProperty("created").GetDateTimeOffset().UtcDateTime,
        OciVersion = Text(top, "ociVersion"),
        OwnerUserId = top.GetProperty("owner").GetUInt32(),
        Cgroup = OptionalText(top, "cgroup"),
        SharesCgroup = top.TryGetProperty("sharesCgroup", out JsonElement shares) && shares.GetBoolean(),
        SystemdUnit = OptionalText(top, "unit"),
        SandboxId = OptionalText(top, "sandbox"),
        SandboxOwner = OptionalText(top, "sandboxOwner"),
        Cause = OptionalText(top, "cause"),
        WaitsOnFifo = top.GetProperty("fifo").GetBoolean(),
        Annotations = ReadAnnotations(top.GetProperty("annotations")),
    };

    private static Dictionary<string, string> ReadAnnotations(JsonElement element)
    {
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty member in element.EnumerateObject())
        {
            annotations[member.Name] = member.Value.GetString() ?? "";
        }

        return annotations;
    }

    private static string Text(JsonElement top, string name) => top.GetProperty(name).GetString() ?? throw new FormatException();

    private static string? OptionalText(JsonElement top, string name) => top.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
