using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// Remembers a verdict until anything it depends on changes: the host's boot, QEMU, the guest kernel, the processor. A file that
/// cannot be understood is no verdict, and one that cannot be written costs the next start a probe.
/// </summary>
internal sealed class AcceleratorCache(string directory, string qemu, string kernel)
{
    private const int FormatVersion = 1;
    private const int MaxBytes = 64 * 1024;

    private readonly string _path = Path.Combine(directory, "accelerator.json");
    private readonly string _key = $"{BootId.Read()}|{Identify(qemu)}|{Identify(kernel)}|{ProcessorModel()}";

    internal AcceleratorVerdict? Read()
    {
        if (!FileCalls.TryOpen(_path, OpenFlags.O_RDONLY, out FileFd file, out _))
        {
            return null;
        }

        using (file)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(file.ReadToEnd(MaxBytes));
                return Understand(document.RootElement);
            }
            catch (Exception cause) when (cause is JsonException or IOException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                return null;
            }
        }
    }

    internal void Write(AcceleratorVerdict verdict)
    {
        string temporary = $"{_path}.{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(directory);
            using (FileFd file = FileCalls.Open(temporary, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, 0x1A4))
            {
                file.WriteAll(Encode(verdict));
            }

            FileCalls.Rename(temporary, _path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            _ = FileCalls.TryRemove(temporary, isDirectory: false, out _);
        }
    }

    private AcceleratorVerdict? Understand(JsonElement root)
    {
        bool isOurs = root.GetProperty("formatVersion").GetInt32() == FormatVersion && root.GetProperty("key").GetString() == _key;
        return isOurs && Enum.TryParse(root.GetProperty("accelerator").GetString(), ignoreCase: true, out Accelerator accelerator) && Enum.IsDefined(accelerator)
            ? new AcceleratorVerdict(accelerator, root.GetProperty("reason").GetString()!, root.GetProperty("probedAt").GetDateTimeOffset())
            : null;
    }

    private ReadOnlySpan<byte> Encode(AcceleratorVerdict verdict)
    {
        var text = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("formatVersion", FormatVersion);
        json.WriteString("key", _key);
        json.WriteString("accelerator", verdict.Accelerator == Accelerator.Kvm ? "kvm" : "tcg");
        json.WriteString("reason", verdict.Reason);
        json.WriteString("probedAt", verdict.ProbedAt ?? DateTimeOffset.UtcNow);
        json.WriteEndObject();
        json.Flush();
        return text.WrittenSpan;
    }

    // A file that is replaced has another inode, one that is rewritten another time or size.
    private static string Identify(string path)
    {
        FileStatus status = FileCalls.Stat(path);
        var file = new FileInfo(path);
        return string.Create(CultureInfo.InvariantCulture, $"{path}:{status.Device}:{status.Inode}:{file.Length}:{file.LastWriteTimeUtc.Ticks}");
    }

    private static string ProcessorModel()
    {
        const string Field = "model name";
        foreach (string line in Encoding.UTF8.GetString(SmallFile.Read("/proc/cpuinfo", 4 * 1024 * 1024)).Split('\n'))
        {
            if (line.StartsWith(Field, StringComparison.Ordinal))
            {
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }

        return "";
    }
}
