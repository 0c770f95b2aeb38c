using Caisson.Linux;

namespace Caisson;

/// <summary>
/// Where one output of a process goes. The process writes there itself, so that a slow reader slows it and nobody else, and nothing is
/// copied. Of a fifo the shim holds both ends as long as the process lives: a reader that goes away does not kill the process.
/// </summary>
internal sealed class OutputTarget : IDisposable
{
    private const string FifoScheme = "fifo://";
    private const string FileScheme = "file://";
    private const uint LogMode = 0x1A4; // 0644

    private readonly FileFd? _hold;

    private OutputTarget(FileFd end, FileFd? hold = null)
    {
        End = end;
        _hold = hold;
    }

    /// <summary>What the process gets.</summary>
    internal FileFd End { get; }

    /// <summary>Opens what containerd named: a fifo, <c>file://</c>, or nothing.</summary>
    internal static OutputTarget Open(string name)
    {
        if (name.Length == 0)
        {
            return new OutputTarget(FileCalls.Open("/dev/null", OpenFlags.O_WRONLY));
        }

        if (name.StartsWith(FileScheme, StringComparison.Ordinal))
        {
            string path = name[FileScheme.Length..];
            Directory.CreateDirectory(Path.GetDirectoryName(path) ?? "/");
            return new OutputTarget(FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT, LogMode));
        }

        string fifo = name.StartsWith(FifoScheme, StringComparison.Ordinal) ? name[FifoScheme.Length..] : name;
        FileFd hold = FileCalls.Open(fifo, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);
        try
        {
            // It has a reader by now, so this does not block; and the process's end blocks, as programs expect.
            return new OutputTarget(FileCalls.Open(fifo, OpenFlags.O_WRONLY), hold);
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>Wraps an end that something else reads.</summary>
    internal static OutputTarget Of(FileFd end) => new(end);

    public void Dispose()
    {
        End.Dispose();
        _hold?.Dispose();
    }
}
