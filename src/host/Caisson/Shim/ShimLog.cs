using Caisson.Linux;

namespace Caisson;

/// <summary>The shim's messages, in containerd's own log: written to the fifo <c>log</c> of the first container's bundle.</summary>
internal sealed class ShimLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileFd? _fifo;
    private readonly bool _debug;

    internal ShimLog(string bundle, bool debug)
    {
        _debug = debug;
        // Both ways, so that neither opening nor writing depends on a reader.
        _fifo = FileCalls.TryOpen(Path.Combine(bundle, "log"), OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, out FileFd fifo, out _) ? fifo : null;
    }

    internal void Debug(string message)
    {
        if (_debug)
        {
            Write("debug", message);
        }
    }

    internal void Warning(string message) => Write("warning", message);

    internal void Error(string message) => Write("error", message);

    public void Dispose() => _fifo?.Dispose();

    private void Write(string level, string message)
    {
        byte[] line = CommandLog.Format(level, message, json: false, DateTime.UtcNow);
        lock (_lock)
        {
            // A reader that is away must not stop the shim: what does not fit is dropped.
            _ = _fifo?.TryWrite(line, out _, out _);
        }
    }
}
