using System.Text;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// Keeps the newest output of a machine's process. It arrives through a named pipe that the writer itself holds open, so that
/// a supervisor's death loses nothing and the next one reads on; a writer faster than us loses output, and never blocks.
/// </summary>
internal sealed class BoundedLog : IAsyncDisposable
{
    // The guest decides how much it writes; two files of this size are what it can cost.
    private const int MaxFileBytes = 256 * 1024;
    private const int TailBytes = 4096;

    // Registers, code and call traces of several processors come after a kernel's reason to panic.
    private const int SearchBytes = 64 * 1024;

    private readonly string _pipePath;
    private readonly string _logPath;
    private readonly FileFd _pipe;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _firstByte = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _pumping;
    private FileFd _file;               // owned by the pump
    private long _fileBytes;            // owned by the pump

    private BoundedLog(string pipePath, string logPath)
    {
        _pipePath = pipePath;
        _logPath = logPath;
        // Read and write: the pipe then has a reader and a writer whatever the other side does.
        _pipe = FileCalls.Open(pipePath, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);
        _file = OpenFile();
        _pumping = PumpAsync(_stopping.Token);
    }

    /// <summary>What the writing process gets: both ends, so that what it writes is kept while no supervisor reads.</summary>
    internal FileDescriptor Writer => _pipe;

    /// <summary>The write end alone, for a program that insists on it; it should get <see cref="Writer"/> beside it.</summary>
    internal FileFd OpenWriteEnd() => FileCalls.Open(_pipePath, OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK);

    /// <summary>Completes at the first byte.</summary>
    internal Task FirstByte => _firstByte.Task;

    /// <summary>Makes the pipe, or takes over the one that is there.</summary>
    internal static BoundedLog Open(string directory, string name)
    {
        string pipePath = PipePath(directory, name);
        if (!File.Exists(pipePath))
        {
            using DirectoryFd parent = DirectoryFd.Open(directory);
            FileCalls.MakeNode(parent, Path.GetFileName(pipePath), FileType.Fifo, 0x180);
        }

        return new BoundedLog(pipePath, Path.Combine(directory, $"{name}.log"));
    }

    internal static string PipePath(string directory, string name) => Path.Combine(directory, $"{name}.pipe");

    /// <summary>The last lines that were written.</summary>
    internal string Tail(int lines)
    {
        string[] all = Lines(TailBytes);
        return string.Join('\n', all[Math.Max(0, all.Length - lines)..]);
    }

    /// <summary>The newest line that has <paramref name="words"/> in it; null without one.</summary>
    internal string? FindLast(string words) => Array.FindLast(Lines(SearchBytes), line => line.Contains(words, StringComparison.Ordinal));

    private string[] Lines(int bytes)
    {
        using FileFd file = FileCalls.Open(_logPath, OpenFlags.O_RDONLY);
        byte[] content = file.ReadToEnd(MaxFileBytes * 2);
        string text = Encoding.UTF8.GetString(content.AsSpan(Math.Max(0, content.Length - bytes)));
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Takes what is in the pipe still, and ends. The pipe stays for the next supervisor.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _pumping.ConfigureAwait(false);
        EventLoop.Shared.Forget(_pipe);
        _pipe.Dispose();
        _file.Dispose();
    }

    private async Task PumpAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (true)
            {
                Drain(buffer);
                await EventLoop.Shared.Ready(_pipe, PollEvents.In, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            Drain(buffer);
        }
    }

    private void Drain(byte[] buffer)
    {
        while (_pipe.TryRead(buffer, out int count, out _) && count > 0)
        {
            _firstByte.TrySetResult();
            Append(buffer.AsSpan(0, count));
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_fileBytes + bytes.Length > MaxFileBytes)
        {
            _file.Dispose();
            FileCalls.Rename(_logPath, $"{_logPath}.1");
            _file = OpenFile();
        }

        // A full disk costs the log, never the machine.
        if (_file.TryWrite(bytes, out int written, out _))
        {
            _fileBytes += written;
        }
    }

    private FileFd OpenFile()
    {
        FileFd file = FileCalls.Open(_logPath, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND, 0x180);
        _fileBytes = new FileInfo(_logPath).Length;
        return file;
    }
}
