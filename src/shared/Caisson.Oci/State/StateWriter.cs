using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Caisson.Oci;

/// <summary>Writes states in the forms that hooks, engines and listeners of seccomp expect.</summary>
public static class StateWriter
{
    // Go's json.MarshalIndent(state, "", "  "), which is what runc state prints.
    private static readonly JsonWriterOptions s_spaced = SpecWriter.Compact with { Indented = true, IndentSize = 2, NewLine = "\n" };

    /// <summary>The specification's state on one line: what a hook reads.</summary>
    public static byte[] Hook(OciState state) => ToArray(SpecWriter.Compact, json => WriteState(json, state));

    /// <summary>What <c>state</c> prints: runc's fields in runc's order and indentation, without a line's end.</summary>
    public static byte[] Printed(RuntimeState state) => ToArray(s_spaced, json => WriteRuntimeState(json, state));

    /// <summary>What <c>list --format json</c> prints, on one line; null when there are none, as runc has it.</summary>
    public static byte[] List(IReadOnlyCollection<RuntimeState> states) => ToArray(SpecWriter.Compact, json =>
    {
        if (states.Count == 0)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (RuntimeState state in states)
        {
            WriteRuntimeState(json, state);
        }
        json.WriteEndArray();
    });

    /// <summary>The container process state that goes to a seccomp listener with the one descriptor (config-linux.md).</summary>
    /// <param name="state">The container.</param>
    /// <param name="pid">The process whose filter it is, as the runtime sees it.</param>
    /// <param name="metadata">The specification's listenerMetadata.</param>
    public static byte[] SeccompListener(OciState state, int pid, string? metadata) => ToArray(SpecWriter.Compact, json =>
    {
        json.WriteStartObject();
        json.WriteString("ociVersion"u8, state.OciVersion);
        json.WriteStrings("fds"u8, ["seccompFd"]);
        json.WriteNumber("pid"u8, pid);
        json.WriteOptional("metadata"u8, metadata);
        json.WritePropertyName("state"u8);
        WriteState(json, state);
        json.WriteEndObject();
    });

    private static void WriteState(Utf8JsonWriter json, OciState state)
    {
        json.WriteStartObject();
        json.WriteString("ociVersion"u8, state.OciVersion);
        json.WriteString("id"u8, state.Id);
        json.WriteString("status"u8, state.Status.Name());
        json.WriteUnlessZero("pid"u8, state.Pid);
        json.WriteString("bundle"u8, state.Bundle);
        WriteSorted(json, state.Annotations);
        json.WriteEndObject();
    }

    private static void WriteRuntimeState(Utf8JsonWriter json, RuntimeState shown)
    {
        json.WriteStartObject();
        json.WriteString("ociVersion"u8, shown.State.OciVersion);
        json.WriteString("id"u8, shown.State.Id);
        json.WriteNumber("pid"u8, shown.State.Pid);
        json.WriteString("status"u8, shown.State.Status.Name());
        json.WriteString("bundle"u8, shown.State.Bundle);
        json.WriteString("rootfs"u8, shown.Rootfs);
        json.WriteString("created"u8, Timestamp(shown.Created));
        WriteSorted(json, shown.State.Annotations);
        json.WriteString("owner"u8, shown.Owner);
        json.WriteEndObject();
    }

    // Go prints maps by key, so engines' golden files have them so.
    private static void WriteSorted(Utf8JsonWriter json, SpecMap<string> annotations)
    {
        var sorted = new List<KeyValuePair<string, string>>(annotations);
        sorted.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        if (sorted.Count == 0)
        {
            return;
        }
        json.WriteStartObject("annotations"u8);
        foreach (KeyValuePair<string, string> pair in sorted)
        {
            json.WriteString(pair.Key, pair.Value);
        }
        json.WriteEndObject();
    }

    /// <summary>A time in UTC as Go's RFC3339Nano prints it: fractions without trailing zeros.</summary>
    public static string Timestamp(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture) + "Z";

    private static byte[] ToArray(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        var target = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(target, options))
        {
            write(json);
        }
        return target.WrittenSpan.ToArray();
    }
}
