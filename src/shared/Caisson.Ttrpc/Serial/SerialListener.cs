namespace Caisson.Ttrpc;

/// <summary>
/// The agent's end of a virtio-serial port: turns the one pipe into one session after the other. A session ends when the host
/// hangs up, when the next host synchronises, or when bytes come that make no sense; its calls are cancelled then.
/// </summary>
public sealed class SerialListener : IAsyncDisposable
{
    // Sessions whose handlers have not returned yet. Handlers are cancelled, so that more than a few mean that one hangs.
    private const int MaxSessionsEnding = 8;

    // A host that does not read cannot be told that its session is over; it finds out by its own timeouts.
    private static readonly TimeSpan s_hangUpPatience = TimeSpan.FromSeconds(1);

    private readonly Stream _port;
    private readonly Func<CancellationToken, ValueTask> _waitForPeer;
    private readonly SerialScanner _scanner = new();              // under _reading
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly SemaphoreSlim _writing = new(1, 1);
    private byte[]? _waitingNonce;                                // under _reading: a host that has not been echoed yet
    private AgentSerialSession? _current;                         // under _reading

    /// <summary>Takes the port over.</summary>
    /// <param name="port">The open port.</param>
    /// <param name="waitForPeer">
    /// Waits until a host may be there, after a read returned 0. On Linux a port without a host is always readable and hung up
    /// (POLLIN | POLLHUP), so this needs an edge-triggered epoll or a pause; returning too early costs one read.
    /// </param>
    public SerialListener(Stream port, Func<CancellationToken, ValueTask> waitForPeer)
    {
        _port = port;
        _waitForPeer = waitForPeer;
    }

    /// <summary>Waits until the running session has ended and a host has synchronised, and answers it.</summary>
    /// <exception cref="IOException">The port itself failed.</exception>
    public async ValueTask<Stream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _current) is { } running)
        {
            await running.Ended.WaitAsync(cancellationToken);
        }

        await _reading.WaitAsync(cancellationToken);
        try
        {
            while (_waitingNonce is null)
            {
                await ReadSyncAsync(cancellationToken);
            }

            byte[] nonce = _waitingNonce;
            var session = new AgentSerialSession(this, nonce, SerialFrames.Unguessable());
            await EchoAsync(session, cancellationToken);
            _waitingNonce = null;
            Volatile.Write(ref _current, session);
            return session;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Serves session after session until cancelled; when it ends, no handler is running.</summary>
    /// <param name="server">Serves each session.</param>
    /// <param name="sessionEnded">Is told why a session ended; null means that the host hung up or was replaced.</param>
    /// <param name="cancellationToken">Ends serving.</param>
    public async Task ServeAsync(TtrpcServer server, Action<Exception?>? sessionEnded = null, CancellationToken cancellationToken = default)
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                Stream session = await AcceptAsync(cancellationToken);
                serving.RemoveAll(task => task.IsCompleted);
                if (serving.Count == MaxSessionsEnding)
                {
                    await Task.WhenAny(serving).WaitAsync(cancellationToken);
                }

                // A handler of the old session that takes its time must not keep the new host waiting.
                serving.Add(ServeSessionAsync(server, session, sessionEnded, cancellationToken));
            }
        }
        finally
        {
            await Task.WhenAll(serving);
        }
    }

    /// <summary>Closes the port.</summary>
    public async ValueTask DisposeAsync()
    {
        Volatile.Read(ref _current)?.MarkEnded();
        await _port.DisposeAsync();
    }

    internal async ValueTask<int> ReadAsync(AgentSerialSession session, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            while (!session.HasEnded && !buffer.IsEmpty)
            {
                if (session.TakeLeft(buffer.Span) is var count and > 0)
                {
                    return count;
                }

                await ReadSessionAsync(session, cancellationToken);
            }

            return 0;
        }
        finally
        {
            _reading.Release();
        }
    }

    internal async ValueTask WriteAsync(AgentSerialSession session, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        // With no host the kernel holds writes for ever: the end of the session breaks them off.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, session.EndedToken);
        try
        {
            await _writing.WaitAsync(ending.Token);
            try
            {
                ending.Token.ThrowIfCancellationRequested();
                await _port.WriteAsync(buffer, ending.Token);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("the serial session has ended: the host hung up or was replaced");
        }
    }

    /// <summary>Tells the host that a session was given up here: a length no frame can have makes its client end the connection.</summary>
    internal async ValueTask HangUpAsync(AgentSerialSession session)
    {
        if (session.HasEnded)
        {
            return;
        }

        using var patience = new CancellationTokenSource(s_hangUpPatience);
        try
        {
            await WriteAsync(session, SerialFrames.Magic.ToArray(), patience.Token);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody is there to be told.
        }

        session.MarkEnded();
    }

    private static async Task ServeSessionAsync(
        TtrpcServer server, Stream session, Action<Exception?>? sessionEnded, CancellationToken cancellationToken)
    {
        try
        {
            await server.ServeAsync(session, cancellationToken);
            sessionEnded?.Invoke(null);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            sessionEnded?.Invoke(failure);
        }
    }

    private async ValueTask ReadSyncAsync(CancellationToken cancellationToken)
    {
        switch (_scanner.Next(challenge: default))
        {
            case SerialFind.Sync:
                _waitingNonce = _scanner.Nonce.ToArray();
                break;
            case SerialFind.NeedMore when !await FillAsync(cancellationToken):
                await _waitForPeer(cancellationToken);
                break;
        }
    }

    private async ValueTask ReadSessionAsync(AgentSerialSession session, CancellationToken cancellationToken)
    {
        switch (_scanner.Next(session.Challenge))
        {
            case SerialFind.Data:
                session.SetLeft(_scanner.Data);
                break;
            case SerialFind.Sync when _scanner.Nonce.SequenceEqual(session.Nonce):
                break;   // sent before the echo had arrived
            case SerialFind.Sync:
                _waitingNonce = _scanner.Nonce.ToArray();
                session.MarkEnded();
                break;
            case SerialFind.Garbage:
                session.MarkEnded();
                break;
            case SerialFind.NeedMore when !await FillAsync(cancellationToken):
                session.MarkEnded();
                break;
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        int count = await _port.ReadAsync(_scanner.Room(), cancellationToken);
        if (count == 0)
        {
            _scanner.Forget();
            return false;
        }

        _scanner.Filled(count);
        return true;
    }

    private async Task EchoAsync(AgentSerialSession session, CancellationToken cancellationToken)
    {
        // Waits for a write of the old session: it was broken off when that session ended, or is drained by the new host.
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await _port.WriteAsync(SerialFrames.Echo(session.Nonce, session.Challenge), cancellationToken);
            await _port.FlushAsync(cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }
}
