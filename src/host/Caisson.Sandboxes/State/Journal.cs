using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What an intent is about, and so how it is undone.</summary>
public enum IntentKind
{
    /// <summary>A cgroup; the key is its path as the backend names it.</summary>
    Cgroup,

    /// <summary>A process; the key is <c>PID:STARTTIME</c>.</summary>
    Process,

    /// <summary>A directory, empty by the time it is undone; the key is its path.</summary>
    Directory,

    /// <summary>A file; the key is its path.</summary>
    File,

    /// <summary>A mount in the host's mount namespace; the key is its path.</summary>
    Mount,

    /// <summary>A sandbox: the key is its directory, in which its processes are found.</summary>
    Sandbox,

    /// <summary>A unit of systemd; the key is its name.</summary>
    Unit,

    /// <summary>A further container's membership of a sandbox, as <see cref="SandboxDirectory.MemberPath"/> names it.</summary>
    Member,
}

/// <summary>Something that was about to be made.</summary>
/// <param name="Kind">What.</param>
/// <param name="Key">Which.</param>
public readonly record struct Intent(IntentKind Kind, string Key)
{
    public static Intent Process(ProcessIdentity process) => new(IntentKind.Process, $"{process.Pid}:{process.StartTimeTicks}");

    /// <summary>The process that the key of an intent about one names.</summary>
    /// <exception cref="FormatException">It names none.</exception>
    internal ProcessIdentity ToProcess()
    {
        int colon = Key.IndexOf(':');
        return colon > 0
            && int.TryParse(Key.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && ulong.TryParse(Key.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong startTime)
            && pid > 0
            ? new ProcessIdentity(pid, startTime)
            : throw new FormatException();
    }
}

/// <summary>
/// The intents of one command on one container, written before each step and never rewritten: whatever a killed process leaves half
/// done is found here. The first line says who writes and under which boot. Nothing is synced: the directory is on tmpfs, and a power
/// loss ends the containers anyway. Owned by the holder of the container's lock.
/// </summary>
public sealed class Journal : IDisposable
{
    /// <summary>The file's name in a container's directory; its presence tells our directories from those of other runtimes.</summary>
    public const string FileName = "journal";

    private const uint FileMode = 0x180; // 0600

    private readonly FileFd _file;

    private readonly string _path;

    private Journal(string directory, OpenFlags how)
    {
        _path = Path.Combine(directory, FileName);
        _file = Open(_path, how);
    }

    /// <summary>Begins the journal of a container that is about to be created.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="owner">The creating process.</param>
    /// <param name="bootId">This boot.</param>
    public static Journal Begin(string directory, ProcessIdentity owner, string bootId)
    {
        var journal = new Journal(directory, OpenFlags.O_CREAT | OpenFlags.O_TRUNC);
        try
        {
            journal.Write(json =>
            {
                json.WriteNumber("caissonFormat", ContainerRecord.FormatVersion);
                json.WriteNumber("pid", owner.Pid);
                json.WriteNumber("startTime", owner.StartTimeTicks);
                json.WriteString("bootId", bootId);
            });
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with the journal of an existing container.</summary>
    public static Journal Continue(string directory) => new(directory, 0);

    /// <summary>Whether the directory's journal is this one: the container may have been deleted, and made anew by somebody else.</summary>
    public bool IsStillIn(string directory) =>
        FileCalls.TryStat(Path.Combine(directory, FileName), out FileStatus named, out _, follow: false) && named.IsSameFile(FileCalls.Stat(_file));

    /// <summary>Before the step.</summary>
    public void Intend(Intent intent) => WriteIntent(intent, done: false);

    /// <summary>After it was undone: it need not be looked at again.</summary>
    public void Done(Intent intent) => WriteIntent(intent, done: true);

    public void Dispose() => _file.Dispose();

    private static FileFd Open(string path, OpenFlags how)
    {
        try
        {
            return FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | how, FileMode);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"journal: open {path}: {Failure.Words(cause.Errno)}", cause);
        }
    }

    private void WriteIntent(Intent intent, bool done) => Write(json =>
    {
        json.WriteString("kind", NameOf(intent.Kind));
        json.WriteString("key", intent.Key);
        json.WriteBoolean("done", done);
    });

    // One write(2) for each line: a killed writer leaves whole lines and at most one torn one at the end.
    private void Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        try
        {
            _file.WriteAll(buffer.WrittenSpan);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"journal: write {_path}: {Failure.Words(cause.Errno)}", cause);
        }
    }

    internal static string NameOf(IntentKind kind) => kind switch
    {
        IntentKind.Cgroup => "cgroup",
        IntentKind.Process => "process",
        IntentKind.Directory => "directory",
        IntentKind.File => "file",
        IntentKind.Mount => "mount",
        IntentKind.Sandbox => "sandbox",
        IntentKind.Unit => "unit",
        IntentKind.Member => "member",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
