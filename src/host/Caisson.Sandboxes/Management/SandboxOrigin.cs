using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// Who made a sandbox, for whom, and of what size: written into its directory before anything else, so that what its creator leaves can be
/// told from what somebody works on. Whether the sandbox is still needed is asked of the records below <see cref="Root"/>, never of this.
/// </summary>
internal sealed record SandboxOrigin
{
    internal const string FileName = "origin.json";

    private const int Version = 1;

    // Names, numbers and at most a score of cgroup directories.
    private const int LargestBytes = 256 * 1024;

    private const uint OnlyOwner = 0x180; // 0600

    internal required string BootId { get; init; }

    /// <summary>The command that made the sandbox.</summary>
    internal required ProcessIdentity Creator { get; init; }

    /// <summary>Where the records of its containers lie.</summary>
    internal required string Root { get; init; }

    /// <summary>In UTC.</summary>
    internal required DateTime Created { get; init; }

    internal int VirtualCpus { get; init; }

    internal long MemoryMib { get; init; }

    /// <summary>The cgroup of its first container, as <see cref="RecordedCgroup"/> writes it; null where it was there before.</summary>
    internal string? Cgroup { get; init; }

    /// <summary>The systemd unit that the cgroup is.</summary>
    internal string? Unit { get; init; }

    /// <summary>Whether its creator is still at it.</summary>
    internal bool IsCreatorAlive => BootId == Linux.BootId.Read() && Creator.IsAlive;

    internal void Write(string directory)
    {
        string path = $"{directory}/{FileName}";
        using (FileFd file = FileCalls.Open(path + ".new", OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, OnlyOwner))
        {
            file.WriteAll(Serialize());
        }

        FileCalls.Rename(path + ".new", path);
    }

    /// <summary>What the file in a sandbox's directory says; null where there is none, or none that can be read.</summary>
    internal static SandboxOrigin? TryRead(string directory)
    {
        try
        {
            return Parse(SmallFile.Read($"{directory}/{FileName}", LargestBytes));
        }
        catch (SyscallException)
        {
            return null;
        }
    }

    internal byte[] Serialize()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteString("bootId", BootId);
        json.WriteNumber("pid", Creator.Pid);
        json.WriteNumber("startTime", Creator.StartTimeTicks);
        json.WriteString("root", Root);
        json.WriteString("created", Created.ToString("O", CultureInfo.InvariantCulture));
        json.WriteNumber("vcpus", VirtualCpus);
        json.WriteNumber("memoryMiB", MemoryMib);
        WriteOptional(json, "cgroup", Cgroup);
        WriteOptional(json, "unit", Unit);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Null where the bytes are not of this format: then nothing is known of the sandbox, and it is left alone.</summary>
    internal static SandboxOrigin? Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement top = document.RootElement;
            return top.GetProperty("version").GetInt32() == Version ? ReadFields(top) : null;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static SandboxOrigin ReadFields(JsonElement top) => new()
    {
        BootId = Text(top, "bootId") ?? throw new FormatException(),
        Creator = new ProcessIdentity(top.GetProperty("pid").GetInt32(), top.GetProperty("startTime").GetUInt64()),
        Root = Text(top, "root") is { Length: > 0 } root && root[0] == '/' && !root.Contains('\0') ? root : throw new FormatException(),
        Created = top.GetProperty("created").GetDateTimeOffset().UtcDateTime,
        VirtualCpus = top.GetProperty("vcpus").GetInt32(),
        MemoryMib = top.GetProperty("memoryMiB").GetInt64(),
        Cgroup = Text(top, "cgroup"),
        Unit = Text(top, "unit"),
    };

    private static string? Text(JsonElement top, string name) => top.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
