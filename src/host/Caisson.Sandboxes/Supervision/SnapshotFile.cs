using System.Buffers;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// A snapshot's form on disk: one JSON object, replaced as a whole by rename. Not synced: a power loss ends the sandbox with it.
/// One field list serves both directions, so that nothing is written that is not read back.
/// </summary>
internal static class SnapshotFile
{
    /// <summary>The format's version; another one is refused, never guessed at.</summary>
    internal const int Version = 1;

    internal const string Name = "state.json";

    // A sandbox of hundreds of execs stays below this; a larger file is not ours.
    private const int MaxBytes = 4 * 1024 * 1024;

    internal static void Write(string directory, SandboxSnapshot snapshot)
    {
        string path = $"{directory}/{Name}";
        string temporary = path + ".new";
        using (FileFd file = FileCalls.Open(temporary, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, 0x180 /* 0600 */))
        {
            file.WriteAll(Serialize(snapshot));
        }

        FileCalls.Rename(temporary, path);
    }

    /// <exception cref="SandboxException">The file is missing, not readable as a snapshot, or of another version.</exception>
    internal static SandboxSnapshot Read(string directory)
    {
        string path = $"{directory}/{Name}";
        try
        {
            return Parse(path, SmallFile.Read(path, MaxBytes));
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"sandbox state: read {path}: {Failure.Describe(cause)}", cause);
        }
    }

    internal static byte[] Serialize(SandboxSnapshot snapshot)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("version"u8, Version);
        json.WriteString("id"u8, snapshot.Id);
        json.WriteString("bootId"u8, snapshot.BootId);
        json.WriteString("status"u8, snapshot.Status.ToString());
        WriteText(json, "owner", snapshot.Owner);
        json.WriteBoolean("pod"u8, snapshot.IsPod);
        WriteText(json, "cause", snapshot.Cause);
        WriteProcess(json, "supervisor", snapshot.Supervisor);
        WriteProcess(json, "guardian", snapshot.Guardian);
        WriteProcess(json, "machine", snapshot.Machine);
        WriteProcess(json, "fileServer", snapshot.FileServer);
        snapshot.Network?.Write(json);
        json.WriteStartArray("containers"u8);
        foreach (ContainerSnapshot container in snapshot.Containers)
        {
            WriteContainer(json, container);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="SandboxException">Not a snapshot, or of another version; the message names the file.</exception>
    internal static SandboxSnapshot Parse(string path, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return ReadTop(path, document.RootElement);
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new SandboxException($"sandbox state: {path}: damaged: not a sandbox's state; `caisson delete --force` removes its containers", cause);
        }
    }

    private static SandboxSnapshot ReadTop(string path, JsonElement root)
    {
        int version = root.GetProperty("version"u8).GetInt32();
        if (version != Version)
        {
            throw new SandboxException($"sandbox state: {path}: format version {version}; this caisson reads version {Version}");
        }

        return new SandboxSnapshot
        {
            Id = RequireText(root.GetProperty("id"u8)),
            BootId = RequireText(root.GetProperty("bootId"u8)),
            Status = ReadStatus<SandboxStatus>(root),
            Owner = ReadText(root, "owner"),
            IsPod = root.TryGetProperty("pod"u8, out JsonElement pod) && pod.GetBoolean(),
            Cause = ReadText(root, "cause"),
            Supervisor = ReadProcess(root, "supervisor"),
            Guardian = ReadProcess(root, "guardian"),
            Machine = ReadProcess(root, "machine"),
            FileServer = ReadProcess(root, "fileServer"),
            Network = NetworkSnapshot.Read(root),
            Containers = ReadList(root, "containers", ReadContainer),
        };
    }

    private static void WriteContainer(Utf8JsonWriter json, ContainerSnapshot container)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, container.Id);
        json.WriteString("status"u8, container.Status.ToString());
        WriteText(json, "cause", container.Cause);
        json.WritePropertyName("init"u8);
        WriteGuestProcess(json, container.Init);
        json.WriteStartArray("execs"u8);
        foreach (ProcessSnapshot exec in container.Execs)
        {
            WriteGuestProcess(json, exec);
        }

        json.WriteEndArray();
        json.WriteStartArray("shares"u8);
        foreach (string share in container.Shares)
        {
            json.WriteStringValue(share);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static ContainerSnapshot ReadContainer(JsonElement element) => new()
    {
        Id = RequireText(element.GetProperty("id"u8)),
        Status = ReadStatus<ContainerStatus>(element),
        Cause = ReadText(element, "cause"),
        Init = ReadGuestProcess(element.GetProperty("init"u8)),
        Execs = ReadList(element, "execs", ReadGuestProcess),
        Shares = ReadList(element, "shares", RequireText),
    };

    private static void WriteGuestProcess(Utf8JsonWriter json, ProcessSnapshot process)
    {
        json.WriteStartObject();
        json.WriteString("execId"u8, process.ExecId);
        json.WriteString("status"u8, process.Status.ToString());
        json.WriteBoolean("terminal"u8, process.Terminal);
        if (process.ExitCode is { } code)
        {
            json.WriteNumber("exitCode"u8, code);
        }

        WriteProcess(json, "keeper", process.Keeper);
        WriteText(json, "keeperSocket", process.KeeperSocket);
        json.WriteEndObject();
    }

    private static ProcessSnapshot ReadGuestProcess(JsonElement element) => new()
    {
        ExecId = RequireText(element.GetProperty("execId"u8)),
        Status = ReadStatus<ProcessStatus>(element),
        Terminal = element.GetProperty("terminal"u8).GetBoolean(),
        ExitCode = element.TryGetProperty("exitCode"u8, out JsonElement code) ? code.GetInt32() : null,
        Keeper = ReadProcess(element, "keeper"),
        KeeperSocket = ReadText(element, "keeperSocket"),
    };

    // By exact name: what Enum.Parse would also take (numbers, lists) was never written.
    private static T ReadStatus<T>(JsonElement element)
        where T : struct, Enum
    {
        string name = RequireText(element.GetProperty("status"u8));
        return Enum.TryParse(name, out T status) && Enum.IsDefined(status) && status.ToString() == name ? status : throw new FormatException();
    }

    private static string RequireText(JsonElement text) => text.GetString() ?? throw new FormatException();

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static string? ReadText(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement text) ? text.GetString() : null;

    private static void WriteProcess(Utf8JsonWriter json, string name, ProcessIdentity? process)
    {
        if (process is { } known)
        {
            json.WriteStartObject(name);
            json.WriteNumber("pid"u8, known.Pid);
            json.WriteNumber("startTime"u8, known.StartTimeTicks);
            json.WriteEndObject();
        }
    }

    private static ProcessIdentity? ReadProcess(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement process)
            ? new ProcessIdentity(process.GetProperty("pid"u8).GetInt32(), process.GetProperty("startTime"u8).GetUInt64())
            : null;

    private static List<T> ReadList<T>(JsonElement element, string name, Func<JsonElement, T> read)
    {
        JsonElement array = element.GetProperty(name);
        var items = new List<T>(array.GetArrayLength());
        foreach (JsonElement item in array.EnumerateArray())
        {
            items.Add(read(item));
        }

        return items;
    }
}
