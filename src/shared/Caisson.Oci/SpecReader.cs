using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Caisson.Oci;

/// <summary>
/// Reads specifications of OCI runtime-spec 1.2, and what is known of 1.3. Only the shape is judged here; what the values
/// mean together is <see cref="SpecValidator"/>'s. Unknown fields are ignored, as the specification asks.
/// </summary>
public static class SpecReader
{
    /// <summary>The file's name in a bundle (runtime-spec, bundle.md).</summary>
    public const string ConfigFileName = "config.json";

    /// <summary>Reads the specification of a bundle.</summary>
    /// <exception cref="SpecException">The file is missing, unreadable or wrong at one field.</exception>
    public static OciSpec ReadBundle(string bundleDirectory) =>
        Parse(ReadFile(Path.Combine(bundleDirectory, ConfigFileName), ConfigFileName), ConfigFileName);

    /// <summary>Reads a specification from a file.</summary>
    /// <exception cref="SpecException">The file is missing, unreadable or wrong at one field.</exception>
    public static OciSpec Read(string path) => Parse(ReadFile(path, path), path);

    /// <summary>Reads a bare process object, as <c>exec --process</c> is given.</summary>
    /// <exception cref="SpecException">The file is missing, unreadable or wrong at one field.</exception>
    public static OciProcess ReadProcess(string path) => ParseProcess(ReadFile(path, path), path);

    /// <summary>Reads a bare resources object, as <c>update --resources</c> is given.</summary>
    /// <exception cref="SpecException">The file is missing, unreadable or wrong at one field.</exception>
    public static LinuxResources ReadResources(string path) => ParseResources(ReadFile(path, path), path);

    /// <summary>Reads a specification from memory.</summary>
    /// <param name="document">The JSON document, UTF-8.</param>
    /// <param name="fileName">What errors call the document.</param>
    /// <exception cref="SpecException">It is not JSON, beyond the limits, or wrong at one field.</exception>
    public static OciSpec Parse(ReadOnlySpan<byte> document, string fileName) =>
        Parse(document, fileName, static (ref SpecCursor at) => new OciSpec(ref at));

    /// <summary>Reads a bare process object from memory.</summary>
    /// <exception cref="SpecException">It is not JSON, beyond the limits, or wrong at one field.</exception>
    public static OciProcess ParseProcess(ReadOnlySpan<byte> document, string fileName) =>
        Parse(document, fileName, static (ref SpecCursor at) => new OciProcess(ref at));

    /// <summary>Reads a bare resources object from memory.</summary>
    /// <exception cref="SpecException">It is not JSON, beyond the limits, or wrong at one field.</exception>
    public static LinuxResources ParseResources(ReadOnlySpan<byte> document, string fileName) =>
        Parse(document, fileName, static (ref SpecCursor at) => new LinuxResources(ref at));

    private static T Parse<T>(ReadOnlySpan<byte> document, string fileName, ReadItem<T> read)
    {
        CheckBytes(document, fileName);
        try
        {
            var at = new SpecCursor(document, fileName);
            T result = read(ref at);
            at.End();
            return result;
        }
        catch (JsonException broken)
        {
            throw Malformed(document, fileName, broken);
        }
    }

    private static void CheckBytes(ReadOnlySpan<byte> document, string fileName)
    {
        if (document.Length > SpecLimits.MaxDocumentBytes)
        {
            throw TooLarge(fileName);
        }
        // The JSON reader checks only the text it is asked for, so what is skipped would pass unseen.
        if (!Utf8.IsValid(document))
        {
            int offset = FirstBadByte(document);
            throw new SpecException(fileName, JsonPath.At(document[..offset], offset), "UTF-8", $"byte 0x{document[offset]:x2} at offset {offset}");
        }
    }

    private static int FirstBadByte(ReadOnlySpan<byte> document)
    {
        int offset = 0;
        while (Rune.DecodeFromUtf8(document[offset..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            offset += length;
        }
        return offset;
    }

    private static SpecException Malformed(ReadOnlySpan<byte> document, string fileName, JsonException broken)
    {
        (long line, long column) = (broken.LineNumber ?? 0, broken.BytePositionInLine ?? 0);
        int offset = OffsetOf(document, line, column);
        string path = JsonPath.At(document, long.MaxValue);
        string place = $" at line {line + 1}, byte {column + 1}";
        if (offset >= document.Length)
        {
            return new SpecException(fileName, path, "JSON", "the end of the document" + place);
        }
        string shown = document[offset] is > 0x20 and < 0x7f ? $"'{(char)document[offset]}'" : $"byte 0x{document[offset]:x2}";
        return new SpecException(fileName, path, $"JSON of at most {SpecLimits.MaxDepth} levels", shown + place);
    }

    private static int OffsetOf(ReadOnlySpan<byte> document, long line, long column)
    {
        int offset = 0;
        for (; line > 0; line--)
        {
            int next = document[offset..].IndexOf((byte)'\n');
            if (next < 0)
            {
                return document.Length;
            }
            offset += next + 1;
        }
        return (int)Math.Min(offset + column, document.Length);
    }

    private static SpecException TooLarge(string fileName) =>
        new(fileName, "", $"at most {SpecLimits.MaxDocumentBytes} bytes", "more");

    // Not a single read: the file may be a pipe (exec --process /dev/stdin).
    private static ReadOnlySpan<byte> ReadFile(string path, string shownName)
    {
        try
        {
            // A stream, because RandomAccess refuses what cannot be sought in.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            byte[] buffer = new byte[16 << 10];
            int length = 0;
            while (file.Read(buffer.AsSpan(length)) is var count and > 0)
            {
                length += count;
                if (length > SpecLimits.MaxDocumentBytes)
                {
                    throw TooLarge(shownName);
                }
                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
            }
            return buffer.AsSpan(0, length);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            string words = shownName == ConfigFileName ? $"JSON specification file {shownName} not found" : $"open {shownName}: no such file or directory";
            throw new SpecException(shownName, words, missing);
        }
        catch (UnauthorizedAccessException refused)
        {
            string why = Directory.Exists(path) ? "is a directory" : "permission denied";
            throw new SpecException(shownName, $"JSON specification file {shownName} cannot be read: {why}", refused);
        }
        catch (Exception unreadable) when (unreadable is IOException or ArgumentException or NotSupportedException)
        {
            throw new SpecException(shownName, $"JSON specification file {shownName} cannot be read: error {unreadable.HResult}", unreadable);
        }
    }
}
