using System.Threading.Channels;

namespace Caisson.Sandboxes;

/// <summary>What a keeper reports, in the order it happened.</summary>
/// <param name="Type">One of the keeper's frame types: Stdin, StdinClosed, Signal or WindowSize.</param>
/// <param name="Value">The frame's value.</param>
/// <param name="Data">Bytes of standard input; empty for the other types.</param>
internal readonly record struct KeeperReport(KeeperFrameType Type, ulong Value, ReadOnlyMemory<byte> Data);

/// <summary>
/// The supervisor's end of the connection to one keeper. One loop reads; writers take turns. It ends when the keeper does, or when
/// disposed; then every waiting call fails with <see cref="KeeperGoneException"/>.
/// </summary>
internal sealed class KeeperLink : IAsyncDisposable
{
    // A keeper sends the next piece of input only when the one before was taken, so two places (data, then its end) never fill.
    private const int InputBacklog = 2;

    // Signals and sizes are small and rare; a keeper that sends more than this unread ones waits.
    private const int ReportBacklog = 64;

    private readonly Stream _stream;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Channel<KeeperReport> _input = NewChannel(InputBacklog);
    private readonly Channel<KeeperReport> _reports = NewChannel(ReportBacklog);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _exitTaken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WrittenMark _stdout = new();
    private readonly WrittenMark _stderr = new();
    private readonly Task _reading;

    private KeeperLink(Stream stream, KeeperProgress progress)
    {
        _stream = stream;
        Progress = progress;
        _stdout.Reach(progress.StdoutWritten);
        _stderr.Reach(progress.StderrWritten);
        _reading = ReadAsync(_stopping.Token);
    }

    /// <summary>Where the keeper's streams stood when the connection was made.</summary>
    internal KeeperProgress Progress { get; }

    /// <summary>Standard input and its end; completes when the keeper is gone. Apart from <see cref="Reports"/>: a process that does not read must still get signals.</summary>
    internal ChannelReader<KeeperReport> Input => _input.Reader;

    /// <summary>Signals and terminal sizes; completes when the keeper is gone.</summary>
    internal ChannelReader<KeeperReport> Reports => _reports.Reader;

    /// <summary>Ends when the connection does.</summary>
    internal Task Gone => _reading;

    /// <summary>Takes over a connection to a keeper's socket and reads its greeting.</summary>
    /// <param name="stream">The connected socket; owned by the link from here on.</param>
    /// <param name="cancellationToken">Gives up waiting for the greeting.</param>
    /// <exception cref="KeeperGoneException">The keeper closed the connection or sent something else.</exception>
    internal static async Task<KeeperLink> OpenAsync(Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            (KeeperFrame frame, byte[] payload) = await ReadFrameAsync(stream, cancellationToken);
            if (frame.Type != KeeperFrameType.Progress)
            {
                throw new InvalidDataException($"keeper protocol: {frame.Type} before the greeting");
            }

            return new KeeperLink(stream, KeeperProgress.Read(payload));
        }
        catch (Exception cause) when (cause is IOException or InvalidDataException)
        {
            await stream.DisposeAsync();
            throw new KeeperGoneException(cause);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Hands output to the keeper and waits until the keeper has written it for good.</summary>
    internal async Task WriteOutputAsync(KeeperFrameType stream, ulong offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await SendAsync(stream, offset, data, cancellationToken);
        WrittenMark mark = stream == KeeperFrameType.Stdout ? _stdout : _stderr;
        await mark.WhenReached(offset + (ulong)data.Length).WaitAsync(cancellationToken);
    }

    /// <summary>Tells the keeper how much input the guest has taken.</summary>
    internal Task SendStdinTakenAsync(ulong total, CancellationToken cancellationToken) =>
        SendAsync(KeeperFrameType.StdinTaken, total, default, cancellationToken);

    /// <summary>Tells the keeper the exit code, and waits until it has taken it.</summary>
    internal async Task SendExitAsync(int code, CancellationToken cancellationToken)
    {
        await SendAsync(KeeperFrameType.Exit, (ulong)code, default, cancellationToken);
        await _exitTaken.Task.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _stream.DisposeAsync();
        await _reading.ContinueWith(static _ => { }, TaskScheduler.Default);
        _stopping.Dispose();
        _writing.Dispose();
    }

    private static Channel<KeeperReport> NewChannel(int capacity) =>
        Channel.CreateBounded<KeeperReport>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });

    private async Task SendAsync(KeeperFrameType type, ulong value, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[KeeperFrame.HeaderLength + payload.Length];
        new KeeperFrame(type, value, payload.Length).WriteHeader(bytes);
        payload.CopyTo(bytes.AsMemory(KeeperFrame.HeaderLength));
        await _writing.WaitAsync(cancellationToken);
        try
        {
            // A frame is written whole or the connection is broken: cancelling in its middle would garble what follows.
            await _stream.WriteAsync(bytes, _stopping.Token);
        }
        catch (Exception cause) when (cause is IOException or ObjectDisposedException or OperationCanceledException)
        {
            throw new KeeperGoneException(cause);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        Exception cause = new EndOfStreamException();
        try
        {
            while (true)
            {
                (KeeperFrame frame, byte[] payload) = await ReadFrameAsync(_stream, cancellationToken);
                await TakeAsync(frame, payload, cancellationToken);
            }
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            cause = failure;
        }

        var gone = new KeeperGoneException(cause);
        _input.Writer.TryComplete();
        _reports.Writer.TryComplete();
        _stdout.Fail(gone);
        _stderr.Fail(gone);
        _exitTaken.TrySetException(gone);
        _ = _exitTaken.Task.Exception;     // observed: nobody may be waiting
    }

    private async ValueTask TakeAsync(KeeperFrame frame, byte[] payload, CancellationToken cancellationToken)
    {
        switch (frame.Type)
        {
            case KeeperFrameType.StdoutWritten:
                _stdout.Reach(frame.Value);
                break;
            case KeeperFrameType.StderrWritten:
                _stderr.Reach(frame.Value);
                break;
            case KeeperFrameType.ExitTaken:
                _exitTaken.TrySetResult();
                break;
            case KeeperFrameType.Stdin or KeeperFrameType.StdinClosed:
                await _input.Writer.WriteAsync(new KeeperReport(frame.Type, frame.Value, payload), cancellationToken);
                break;
            case KeeperFrameType.Signal or KeeperFrameType.WindowSize:
                await _reports.Writer.WriteAsync(new KeeperReport(frame.Type, frame.Value, payload), cancellationToken);
                break;
            default:
                throw new InvalidDataException($"keeper protocol: a keeper does not send {frame.Type}");
        }
    }

    private static async Task<(KeeperFrame Frame, byte[] Payload)> ReadFrameAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] header = new byte[KeeperFrame.HeaderLength];
        await stream.ReadExactlyAsync(header, cancellationToken);
        KeeperFrame frame = KeeperFrame.ReadHeader(header);
        byte[] payload = frame.PayloadLength == 0 ? [] : new byte[frame.PayloadLength];
        await stream.ReadExactlyAsync(payload, cancellationToken);
        return (frame, payload);
    }

    /// <summary>How far a stream has been written by the keeper, and who waits for it. One writer of output waits at a time.</summary>
    private sealed class WrittenMark
    {
        private readonly Lock _lock = new();
        private ulong _reached;
        private ulong _awaited;
        private Exception? _failure;
        private TaskCompletionSource? _waiting;

        internal void Reach(ulong offset)
        {
            lock (_lock)
            {
                _reached = Math.Max(_reached, offset);
                if (_waiting is not null && _reached >= _awaited)
                {
                    _waiting.TrySetResult();
                    _waiting = null;
                }
            }
        }

        internal void Fail(Exception cause)
        {
            lock (_lock)
            {
                _failure = cause;
                _waiting?.TrySetException(cause);
                _waiting = null;
            }
        }

        internal Task WhenReached(ulong offset)
        {
            lock (_lock)
            {
                if (_reached >= offset)
                {
                    return Task.CompletedTask;
                }

                if (_failure is not null)
                {
                    return Task.FromException(_failure);
                }

                _awaited = offset;
                _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _waiting.Task;
            }
        }
    }
}

/// <summary>The keeper's connection ended: the keeper is gone, or it broke the protocol.</summary>
internal sealed class KeeperGoneException(Exception cause) : IOException($"keeper: the connection ended: {cause.Message}", cause);
