namespace Caisson.Linux;

/// <summary>
/// A descriptor that can be polled (socket, pipe, terminal, virtio port) as a stream of bytes over an <see cref="EventLoop"/>.
/// It makes the open file description non-blocking, which every other holder of it notices.
/// One read and one write may be under way at the same time. A pseudo-terminal whose other side is closed reads as ended.
/// </summary>
public sealed class DescriptorStream : Stream
{
    private readonly FileDescriptor _descriptor;
    private readonly EventLoop _loop;
    private readonly bool _owns;
    private bool _disposed;

    /// <summary>Wraps a descriptor.</summary>
    /// <param name="descriptor">The descriptor; becomes non-blocking.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="ownsDescriptor">Whether disposing the stream closes the descriptor.</param>
    public DescriptorStream(FileDescriptor descriptor, EventLoop loop, bool ownsDescriptor = true)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        ArgumentNullException.ThrowIfNull(loop);
        _descriptor = descriptor;
        _loop = loop;
        _owns = ownsDescriptor;
        PatientIo.SetNonBlocking(descriptor);
    }

    /// <summary>The wrapped descriptor.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <inheritdoc/>
    public override bool CanRead => !_disposed;

    /// <inheritdoc/>
    public override bool CanWrite => !_disposed;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        int count;
        while (!TryReadOnce(buffer.Span, out count))
        {
            await _loop.Ready(_descriptor, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        while (buffer.Length > 0)
        {
            if (TryWriteOnce(buffer.Span, out int count))
            {
                buffer = buffer[count..];
            }
            else
            {
                await _loop.Ready(_descriptor, PollEvents.Out, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int count;
        while (!TryReadOnce(buffer, out count))
        {
            Poller.Wait(_descriptor, PollEvents.In, Timeout.InfiniteTimeSpan);
        }

        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        PatientIo.WriteAll(_descriptor, buffer);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is held back here.
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _loop.Forget(_descriptor);
            if (_owns)
            {
                _descriptor.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private bool TryReadOnce(Span<byte> buffer, out int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_descriptor.TryRead(buffer, out count, out Errno why))
        {
            return true;
        }

        count = 0;

        // EIO is how a pty master says that no slave is open any more.
        return why switch
        {
            Errno.EAGAIN => false,
            Errno.EIO when _descriptor is not UnixSocket => true,
            _ => throw new SyscallException("read", why),
        };
    }

    private bool TryWriteOnce(ReadOnlySpan<byte> bytes, out int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return DescriptorIo.TryWrite(_descriptor, bytes, out count, out Errno why)
            || (why == Errno.EAGAIN ? false : throw new SyscallException("write", why));
    }
}
