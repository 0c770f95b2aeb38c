using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A journal, read back.</summary>
/// <param name="Owner">The process that created the container.</param>
/// <param name="BootId">The boot it ran under.</param>
/// <param name="Open">The intents that were not undone, in the order they were made.</param>
public sealed record JournalContents(ProcessIdentity Owner, string BootId, IReadOnlyList<Intent> Open)
{
    // A create has a handful of intents; each names a path or a process.
    private const int LargestBytes = 16 << 20;

    /// <summary>Reads a container's journal; null where there is none, or not even its first line was written.</summary>
    /// <exception cref="SandboxException">Another format, or damaged.</exception>
    public static JournalContents? Read(string directory)
    {
        string file = Path.Combine(directory, Journal.FileName);
        byte[] bytes;
        try
        {
            bytes = SmallFile.Read(file, LargestBytes);
        }
        catch (SyscallException missing) when (missing.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }

        return Parse(file, bytes);
    }

    internal static JournalContents? Parse(string file, ReadOnlyMemory<byte> bytes)
    {
        ProcessIdentity? owner = null;
        string bootId = "";
        var open = new List<Intent>();
        int end;
        // What follows the last newline was being written when its writer was killed; the step after it was never taken.
        while ((end = bytes.Span.IndexOf((byte)'\n')) >= 0)
        {
            ReadOnlyMemory<byte> line = bytes[..end];
            bytes = bytes[(end + 1)..];
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                if (owner is null)
                {
                    owner = ReadOwner(file, document.RootElement, out bootId);
                }
                else
                {
                    ReadIntent(document.RootElement, open);
                }
            }
            catch (Exception cause) when (cause is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new SandboxException($"{file}: damaged: not a container's journal; `caisson delete --force` removes the container", cause);
            }
        }

        return owner is null ? null : new JournalContents(owner.Value, bootId, open);
    }

    private static ProcessIdentity ReadOwner(string file, JsonElement line, out string bootId)
    {
        int version = line.GetProperty("caissonFormat").GetInt32();
        if (version != ContainerRecord.FormatVersion)
        {
            throw new SandboxException(
                $"{file}: written in format {version} by another version of caisson; this one knows format {ContainerRecord.FormatVersion}: use that version to delete the container");
        }

        bootId = line.GetProperty("bootId").GetString() ?? throw new FormatException();
        return new ProcessIdentity(line.GetProperty("pid").GetInt32(), line.GetProperty("startTime").GetUInt64());
    }

    private static void ReadIntent(JsonElement line, List<Intent> open)
    {
        var intent = new Intent(ParseKind(line.GetProperty("kind").GetString()), ReadKey(line.GetProperty("key")));
        if (intent.Kind == IntentKind.Process)
        {
            _ = intent.ToProcess();    // judged here, where the file's name is known
        }

        if (line.GetProperty("done").GetBoolean())
        {
            open.Remove(intent);
        }
        else
        {
            open.Add(intent);
        }
    }

    // The kernel would cut a path at a NUL, and something else would be removed than what is named.
    private static string ReadKey(JsonElement element) =>
        element.GetString() is { Length: > 0 } key && !key.Contains('\0') ? key : throw new FormatException();

    private static IntentKind ParseKind(string? name) => name switch
    {
        "cgroup" => IntentKind.Cgroup,
        "process" => IntentKind.Process,
        "directory" => IntentKind.Directory,
        "file" => IntentKind.File,
        "mount" => IntentKind.Mount,
        "sandbox" => IntentKind.Sandbox,
        "unit" => IntentKind.Unit,
        "member" => IntentKind.Member,
        _ => throw new FormatException(),
    };
}
