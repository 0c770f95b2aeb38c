using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Caisson.Oci;

/// <summary>
/// Writes specifications: for <c>caisson spec</c>, and to hand one to a container's init. What is written reads back equal;
/// what the reader did not know is gone.
/// </summary>
public static class SpecWriter
{
    // The relaxed encoder: the documents are read by programs and people, never put into HTML.
    internal static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Go's json.MarshalIndent(spec, "", "\t"), which is how runc writes its specifications.
    internal static readonly JsonWriterOptions Tabbed = Compact with { Indented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n" };

    /// <summary>Writes a specification to a buffer.</summary>
    public static void Write(OciSpec spec, IBufferWriter<byte> target, bool indented = false) =>
        Write(target, indented, spec, static (json, spec) => spec.Write(json));

    /// <summary>The specification as a JSON document.</summary>
    public static byte[] Write(OciSpec spec, bool indented = false) => ToArray(indented, spec, static (json, spec) => spec.Write(json));

    /// <summary>A bare process object as a JSON document.</summary>
    public static byte[] Write(OciProcess process, bool indented = false) => ToArray(indented, process, static (json, process) => process.Write(json));

    /// <summary>A bare resources object as a JSON document.</summary>
    public static byte[] Write(LinuxResources resources, bool indented = false) =>
        ToArray(indented, resources, static (json, resources) => resources.Write(json));

    private static byte[] ToArray<T>(bool indented, T value, Action<Utf8JsonWriter, T> write)
    {
        var target = new ArrayBufferWriter<byte>(4096);
        Write(target, indented, value, write);
        return target.WrittenSpan.ToArray();
    }

    private static void Write<T>(IBufferWriter<byte> target, bool indented, T value, Action<Utf8JsonWriter, T> write)
    {
        using var json = new Utf8JsonWriter(target, indented ? Tabbed : Compact);
        write(json, value);
    }
}
