using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Caisson;

/// <summary>
/// The messages of one command, in the two forms that engines read: Docker takes the last line of level error from its JSON log file,
/// podman and people read standard error. An error goes to the log, and where the log is a file, in plain words to standard error too, as runc does.
/// </summary>
internal sealed class CommandLog
{
    private readonly string? _file;
    private readonly bool _json;

    /// <param name="file">The log file, or null for standard error.</param>
    /// <param name="json">Whether each line is a JSON object.</param>
    /// <param name="debug">Whether messages of level debug are kept.</param>
    internal CommandLog(string? file, bool json, bool debug)
    {
        _file = file is "/dev/stderr" ? null : file;
        _json = json;
        IsDebug = debug;
    }

    internal bool IsDebug { get; }

    internal void Debug(string message)
    {
        if (IsDebug)
        {
            WriteLine("debug", message);
        }
    }

    internal void Warning(string message) => WriteLine("warning", message);

    internal void Error(string message)
    {
        WriteLine("error", message);
        if (_file is not null)
        {
            StandardStream.Error.WriteLine(message);
        }
    }

    private void WriteLine(string level, string message)
    {
        byte[] line = Format(level, message, _json, DateTime.UtcNow);
        if (_file is null)
        {
            StandardStream.Error.Write(line);
            return;
        }

        try
        {
            StandardStream.Append(_file, line);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // The message itself matters more than the place it was meant for.
            StandardStream.Error.WriteLine($"caisson: the log file cannot be written ({cause.Message}); the message was:");
            StandardStream.Error.Write(line);
        }
    }

    /// <summary>One line as logrus writes it.</summary>
    internal static byte[] Format(string level, string message, bool json, DateTime now)
    {
        string time = now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        if (!json)
        {
            return Encoding.UTF8.GetBytes($"time=\"{time}\" level={level} msg={Quote(message)}\n");
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString("level", level);
            writer.WriteString("msg", message);
            writer.WriteString("time", time);
            writer.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    // logrus leaves a value bare if it is made of these characters only.
    private static string Quote(string text)
    {
        bool bare = text.Length > 0;
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            bare &= char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '/' or '@' or '^' or '+';
            switch (c)
            {
                case '"' or '\\':
                    quoted.Append('\\').Append(c);
                    break;
                case '\n':
                    quoted.Append("\\n");
                    break;
                case '\t':
                    quoted.Append("\\t");
                    break;
                case '\r':
                    quoted.Append("\\r");
                    break;
                case < ' ' or '\x7f':
                    quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
                    break;
                default:
                    quoted.Append(c);
                    break;
            }
        }

        return bare ? text : quoted.Append('"').ToString();
    }
}
