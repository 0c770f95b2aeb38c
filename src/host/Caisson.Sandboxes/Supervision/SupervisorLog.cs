using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A supervisor's log: one JSON object a line on standard error, which is supervisor.log in the sandbox's directory.</summary>
internal sealed class SupervisorLog(string sandboxId)
{
    private readonly FileFd _stderr = FileFd.FromNumber(2);
    private readonly Lock _lock = new();

    internal void Information(string message) => Write("info", message);

    internal void Warning(string message) => Write("warning", message);

    internal void Error(string message) => Write("error", message);

    private void Write(string level, string message)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("level"u8, level);
            json.WriteString("msg"u8, message);
            json.WriteString("sandbox"u8, sandboxId);
            json.WriteString("time"u8, DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        lock (_lock)
        {
            // A full disk must not end a sandbox: what cannot be logged is dropped.
            _ = _stderr.TryWrite(buffer.WrittenSpan, out _, out _);
        }
    }
}
