using System.Text.Json;

namespace Caisson.GuestImage;

/// <summary>guest.json: what the two files beside it were made from. Written last, so it never speaks of files that are not there.</summary>
internal sealed record BuildRecord(string Inputs, string KernelRelease, string CommandLine, long KernelBytes, long InitrdBytes)
{
    /// <summary>Part of the inputs' hash: raise it whenever the same inputs would give other outputs.</summary>
    internal const int FormatVersion = 1;

    internal const string FileName = "guest.json";
    private const int MaxRecordBytes = 64 << 10;

    /// <summary>Null when there is none, or none that can be believed: then everything is built again.</summary>
    internal static BuildRecord? TryRead(string directory)
    {
        try
        {
            var file = new FileInfo(Path.Combine(directory, FileName));
            if (!file.Exists || file.Length > MaxRecordBytes)
            {
                return null;
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            JsonElement root = document.RootElement;
            return new BuildRecord(
                root.GetProperty("inputs").GetString()!,
                root.GetProperty("kernelRelease").GetString()!,
                root.GetProperty("commandLine").GetString()!,
                root.GetProperty("kernelBytes").GetInt64(),
                root.GetProperty("initrdBytes").GetInt64());
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    internal void Write(string directory) => AtomicFile.Write(Path.Combine(directory, FileName), stream =>
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("formatVersion", FormatVersion);
        json.WriteString("inputs", Inputs);
        json.WriteString("kernelRelease", KernelRelease);
        json.WriteString("commandLine", CommandLine);
        json.WriteNumber("kernelBytes", KernelBytes);
        json.WriteNumber("initrdBytes", InitrdBytes);
        json.WriteEndObject();
    });
}
