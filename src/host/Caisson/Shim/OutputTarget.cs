using System.Diagnostics;
using Caisson.Linux;

namespace Caisson;

/// <summary>
/// Where one output of a process goes. The process writes there itself, so that a slow reader slows it and nobody else, and nothing is
/// copied. Of a fifo the shim holds the reader's end too, so that a reader that goes away does not kill the process; but never a writer's
/// once the process has its own: containerd deletes a process only after the output's end.
/// </summary>
internal sealed class OutputTarget : IDisposable
{
    private const string FifoScheme = "fifo://";
    private const string FileScheme = "file://";
    private const uint LogMode = 0x1A4; // 0644

    // A client that never reads delays its own container by this, and then has it anyway.
    private static readonly TimeSpan s_readerPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(20);

    private readonly FileFd? _hold;

    private OutputTarget(FileFd end, FileFd? hold = null)
    {
        End = end;
        _hold = hold;
    }

    /// <summary>What the process gets.</summary>
    internal FileFd End { get; }

    /// <summary>Opens what containerd named: a fifo, <c>file://</c>, or nothing.</summary>
    internal static async Task<OutputTarget> OpenAsync(string name, CancellationToken cancellationToken)
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
        // Kept until the process's end is there: its reader would take a moment without any for the end.
        using FileFd? first = await OpenForReaderAsync(fifo, cancellationToken);
        // Where nobody reads yet, a writer's end is held too: whoever opens the fifo later would otherwise wait for one, perhaps for ever.
        FileFd hold = FileCalls.Open(fifo, (first is null ? OpenFlags.O_RDWR : OpenFlags.O_RDONLY) | OpenFlags.O_NONBLOCK);
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

    // containerd opens its end while it calls. A process that ended before would leave it waiting for a writer.
    private static async Task<FileFd?> OpenForReaderAsync(string fifo, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan pause = s_firstPause;
        while (Stopwatch.GetElapsedTime(began) < s_readerPatience)
        {
            if (FileCalls.TryOpen(fifo, OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK, out FileFd opened, out Errno why))
            {
                return opened;
            }

            // ENXIO: nobody reads (fifo(7)).
            if (why != Errno.ENXIO)
            {
                throw new SyscallException($"open({fifo})", why);
            }

            await Task.Delay(pause, cancellationToken);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }

        return null;
    }
}
