using Caisson.Linux;
using Caisson.Ttrpc;

namespace Caisson.Agent;

/// <summary>A process's stdin, or what the host sends to a port: bytes by offset, so that a repeated write adds nothing.</summary>
internal sealed class InputFeed : IDisposable
{
    private readonly FileDescriptor _target;
    private readonly bool _isShared;
    private readonly SemaphoreSlim _gate = new(1, 1);   // one write at a time, in the order of the calls
    private ulong _received;                            // written under _gate
    private volatile bool _closed;

    /// <param name="target">The pipe's writing end, which is owned from now on; or a terminal's master or a socket, which are not. Non-blocking.</param>
    /// <param name="isShared">Which of the two.</param>
    internal InputFeed(FileDescriptor target, bool isShared)
    {
        _target = target;
        _isShared = isShared;
    }

    /// <summary>How many bytes the process's pipe or terminal has been given.</summary>
    internal ulong Received => Volatile.Read(ref _received);

    internal bool IsClosed => _closed;

    /// <summary>Waits until at least one byte has been taken.</summary>
    /// <param name="offset">Where <paramref name="data"/> begins in the stream; null: after what came before.</param>
    /// <param name="data">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait; then nothing was taken.</param>
    /// <returns>How many bytes of <paramref name="data"/> the process has now, those of earlier calls included.</returns>
    /// <exception cref="TtrpcException">A gap, or stdin is closed.</exception>
    internal async Task<int> WriteAsync(ulong? offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            ulong at = offset ?? _received;
            if (at > _received)
            {
                throw new TtrpcException(TtrpcCode.OutOfRange, $"stdin at {at} was given, but {_received} bytes have arrived: the ones between are missing");
            }

            ulong known = _received - at;
            return known >= (ulong)data.Length
                ? data.Length
                : (int)known + await WriteNewAsync(data[(int)known..], cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Closes it after the writes that are under way. A terminal has no end of input of its own: its user types one.</summary>
    internal async Task CloseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Close();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Closes it now; waiting writes fail.</summary>
    public void Dispose() => Close();

    private void Close()
    {
        if (!_closed)
        {
            _closed = true;
            if (!_isShared)
            {
                EventLoop.Shared.Forget(_target);
                _target.Dispose();
            }
            else if (_target is InternetSocket socket)
            {
                // A reader of the port sees the end; its peer may have gone already.
                socket.TryShutdown(ShutdownSide.Write, out _);
            }
        }
    }

    private async Task<int> WriteNewAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_closed)
            {
                throw Closed();
            }

            try
            {
                if (_target.TryWrite(data.Span, out int count, out Errno why))
                {
                    Volatile.Write(ref _received, _received + (ulong)count);
                    return count;
                }

                if (why != Errno.EAGAIN)
                {
                    throw Closed();
                }

                await EventLoop.Shared.Ready(_target, PollEvents.Out, cancellationToken);
            }
            catch (ObjectDisposedException)
            {
                throw Closed();
            }
        }
    }

    private static TtrpcException Closed() => Refusal.State("stdin is closed");
}
