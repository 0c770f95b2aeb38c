using System.Buffers;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a container's first three descriptors were, in the file beside the images that runc too writes: <c>descriptors.json</c>.</summary>
internal static class SavedStreams
{
    private const string FileName = "descriptors.json";
    private const int MaxBytes = 64 * 1024;
    private const uint FileMode = 0x180; // 0600

    internal static void Write(string images, int pid)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (int number = 0; number <= 2; number++)
            {
                json.WriteStringValue(new FileInfo($"/proc/{pid}/fd/{number}").LinkTarget ?? "");
            }

            json.WriteEndArray();
        }

        using FileFd file = FileCalls.Open(Path.Combine(images, FileName), OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, FileMode);
        file.WriteAll(buffer.WrittenSpan);
    }

    /// <summary>The names, of which those of pipes must be replaced: the other ends are gone.</summary>
    internal static string[] Read(string images)
    {
        string file = Path.Combine(images, FileName);
        try
        {
            using JsonDocument document = JsonDocument.Parse(SmallFile.Read(file, MaxBytes));
            var names = new List<string>();
            foreach (JsonElement name in document.RootElement.EnumerateArray())
            {
                names.Add(name.GetString() ?? "");
            }

            return [.. names];
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw new SandboxException($"{file}: damaged: not the list of descriptors that a checkpoint writes", cause);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"{file}: {Failure.Words(cause.Errno)}: --image-path must name a directory that `checkpoint` has filled", cause);
        }
    }
}
