using System.Buffers;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// What the launcher does between being cloned and becoming the program: written by the supervisor into a sealed memfd, because
/// arguments and environment of a process can be read by others.
/// </summary>
public sealed record JailInstructions
{
    // Written by ourselves; a few hundred files at most.
    private const int MaxBytes = 256 * 1024;

    /// <summary>The program's path, inside the jail; also its argv[0].</summary>
    public required string Executable { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>A directory of ours to mount the new root on; null keeps the root, in a mount namespace that only receives.</summary>
    public string? RootMountPoint { get; init; }

    /// <summary>Files and directories that the new root holds, read-only and under the same paths.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Device nodes of the host that the new root holds, owned by <see cref="Identity"/>.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Who the program is; null for root.</summary>
    public JailIdentity? Identity { get; init; }

    /// <summary>The capabilities a root program keeps; another user has none.</summary>
    public CapabilitySet Capabilities { get; init; }

    /// <summary>Descriptors beyond the standard three that the program gets; all others are closed.</summary>
    public IReadOnlyList<int> Descriptors { get; init; } = [];

    /// <summary>RLIMIT_NOFILE; null leaves what the supervisor has.</summary>
    public ulong? OpenFiles { get; init; }

    /// <summary>oom_score_adj; null leaves the supervisor's. Lowering it needs CAP_SYS_RESOURCE.</summary>
    public int? OomScoreAdjustment { get; init; }

    /// <summary>Writes the instructions to a memfd that nobody can change any more.</summary>
    public MemFd ToMemFd()
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            Write(json);
        }

        MemFd file = MemFd.Create("caisson-launch");
        file.WriteAll(text.WrittenSpan);
        file.Seal(MemFdSeals.All);
        return file;
    }

    /// <summary>Reads the instructions from where <see cref="ToMemFd"/> wrote them.</summary>
    public static JailInstructions Read(FileDescriptor file)
    {
        // By a descriptor of its own: the offset of the inherited one stands at the end.
        using FileFd reader = FileCalls.Open(file.ProcPath, OpenFlags.O_RDONLY);
        using JsonDocument document = JsonDocument.Parse(reader.ReadToEnd(MaxBytes));
        JsonElement root = document.RootElement;
        return new JailInstructions
        {
            Executable = root.GetProperty("executable").GetString()!,
            Arguments = ReadTexts(root, "arguments"),
            Environment = ReadTexts(root, "environment"),
            RootMountPoint = root.GetProperty("rootMountPoint").GetString(),
            Files = ReadTexts(root, "files"),
            Devices = ReadTexts(root, "devices"),
            Identity = root.TryGetProperty("uid", out JsonElement uid) ? new JailIdentity(uid.GetUInt32(), root.GetProperty("gid").GetUInt32()) : null,
            Capabilities = new CapabilitySet(root.GetProperty("capabilities").GetUInt64()),
            Descriptors = ReadNumbers(root),
            OpenFiles = root.TryGetProperty("openFiles", out JsonElement openFiles) ? openFiles.GetUInt64() : null,
            OomScoreAdjustment = root.TryGetProperty("oomScoreAdjustment", out JsonElement adjustment) ? adjustment.GetInt32() : null,
        };
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("executable", Executable);
        WriteTexts(json, "arguments", Arguments);
        WriteTexts(json, "environment", Environment);
        json.WriteString("rootMountPoint", RootMountPoint);
        WriteTexts(json, "files", Files);
        WriteTexts(json, "devices", Devices);
        if (Identity is { } identity)
        {
            json.WriteNumber("uid", identity.Uid);
            json.WriteNumber("gid", identity.Gid);
        }

        json.WriteNumber("capabilities", Capabilities.Bits);
        json.WriteStartArray("descriptors");
        foreach (int number in Descriptors)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
        if (OpenFiles is { } openFiles)
        {
            json.WriteNumber("openFiles", openFiles);
        }

        if (OomScoreAdjustment is { } adjustment)
        {
            json.WriteNumber("oomScoreAdjustment", adjustment);
        }

        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static List<string> ReadTexts(JsonElement root, string name)
    {
        var texts = new List<string>();
        foreach (JsonElement text in root.GetProperty(name).EnumerateArray())
        {
            texts.Add(text.GetString()!);
        }

        return texts;
    }

    private static List<int> ReadNumbers(JsonElement root)
    {
        var numbers = new List<int>();
        foreach (JsonElement number in root.GetProperty("descriptors").EnumerateArray())
        {
            numbers.Add(number.GetInt32());
        }

        return numbers;
    }
}
