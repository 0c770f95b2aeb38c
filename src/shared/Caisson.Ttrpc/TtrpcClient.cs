using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// Calls over one connection, many at a time. When the connection ends, every call in flight and every later one fails as
/// <see cref="TtrpcCode.Unavailable"/>; a new connection needs a new client.
/// </summary>
public sealed class TtrpcClient : IAsyncDisposable
{
    /// <summary>Calls in flight at most, so that a peer that never answers cannot make this side grow. Own limit.</summary>
    public const int MaxCallsInFlight = 4096;

    private static readonly IReadOnlyList<KeyValuePair<string, string>> s_noMetadata = [];

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, PendingCall> _pending = [];   // under _gate
    private readonly CancellationTokenSource _lifetime = new();
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Stream _stream;
    private readonly string _peer;
    private readonly FrameReader _reader;
    private readonly FrameWriter _writer;
    private readonly Task _reading;
    private TtrpcException? _ended;   // under _gate; the first cause is kept
    private ulong _nextStreamId = 1;  // owned by whoever has the turn to write

    /// <summary>Starts to read responses at once.</summary>
    /// <param name="stream">A connection; this client owns it.</param>
    /// <param name="peer">The other side's name in errors, such as <c>agent</c>.</param>
    public TtrpcClient(Stream stream, string peer)
    {
        _stream = stream;
        _peer = peer;
        _reader = new FrameReader(stream);
        _writer = new FrameWriter(stream);
        _reading = Task.Run(ReadResponsesAsync);
    }

    /// <summary>Completes with the reason when the connection has ended. Never fails.</summary>
    public Task<string> Closed => _closed.Task;

    /// <summary>Calls a method and waits for its response.</summary>
    /// <param name="service">The service's name with its package.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="request">The request; it must not change until the call has ended.</param>
    /// <param name="parser">Reads the response.</param>
    /// <param name="timeout">How long the call may take, here and there; null is for ever.</param>
    /// <param name="cancellationToken">Gives the call up. The other side does not learn of it.</param>
    /// <exception cref="TtrpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<TResponse> CallAsync<TRequest, TResponse>(
        string service,
        string method,
        TRequest request,
        MessageParser<TResponse> parser,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        CallAsync(service, method, request, parser, timeout, s_noMetadata, FrameHeader.MaxPayloadBytes, cancellationToken);

    /// <summary>Calls a method with metadata and waits for its response, which must not be longer than is said.</summary>
    /// <param name="service">The service's name with its package.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="request">The request; it must not change until the call has ended.</param>
    /// <param name="parser">Reads the response.</param>
    /// <param name="timeout">How long the call may take, here and there; null is for ever.</param>
    /// <param name="metadata">Sent beside the request.</param>
    /// <param name="maxResponseBytes">A longer response is not read, and fails the call as ResourceExhausted.</param>
    /// <param name="cancellationToken">Gives the call up. The other side does not learn of it.</param>
    /// <exception cref="TtrpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        string service,
        string method,
        TRequest request,
        MessageParser<TResponse> parser,
        TimeSpan? timeout,
        IReadOnlyList<KeyValuePair<string, string>> metadata,
        int maxResponseBytes,
        CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (timeout is { } limit)
        {
            ending.CancelAfter(TtrpcTime.Clamp(limit));
        }

        var outgoing = new OutgoingRequest(service, method, request, TtrpcTime.ToNanoseconds(timeout), metadata);
        var call = new PendingCall<TResponse>(parser, maxResponseBytes);
        uint streamId = 0;
        try
        {
            await _writer.TakeTurnAsync(ending.Token);
            streamId = Register(call);
            // Not awaited: a peer that stops reading must not hold this caller beyond its deadline. SendAsync never
            // throws, fails the call itself, and DisposeAsync waits for it by taking the turn.
            _ = SendAsync(streamId, outgoing, call);
            return await call.Response.WaitAsync(ending.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TtrpcException(TtrpcCode.DeadlineExceeded, $"{_peer}: {method}: no answer within {timeout!.Value.TotalSeconds:0.###} s");
        }
        finally
        {
            Forget(streamId);
        }
    }

    /// <summary>Ends the connection: calls in flight fail as Unavailable.</summary>
    public async ValueTask DisposeAsync()
    {
        End("this side closed it", null);
        await _reading;
        // Whoever is still writing was cancelled by End; taking the turn means that nobody is left.
        await _writer.TakeTurnAsync(CancellationToken.None);
        _writer.GiveTurnBack();
        await _stream.DisposeAsync();
    }

    // Gives the turn back where it throws; otherwise SendAsync does.
    private uint Register(PendingCall call)
    {
        try
        {
            lock (_gate)
            {
                if (_ended is not null)
                {
                    throw new TtrpcException(_ended.Code, _ended.Message, _ended);
                }

                if (_pending.Count == MaxCallsInFlight)
                {
                    throw new TtrpcException(TtrpcCode.ResourceExhausted, $"{_peer}: {MaxCallsInFlight} calls are in flight already");
                }

                // Ids are never used twice on a connection (PROTOCOL.md); the owner reconnects.
                if (_nextStreamId > uint.MaxValue)
                {
                    throw new TtrpcException(TtrpcCode.Unavailable, $"{_peer}: the connection has used all its stream ids");
                }

                uint streamId = (uint)_nextStreamId;
                _nextStreamId += 2;
                _pending.Add(streamId, call);
                return streamId;
            }
        }
        catch
        {
            _writer.GiveTurnBack();
            throw;
        }
    }

    private void Forget(uint streamId)
    {
        lock (_gate)
        {
            _pending.Remove(streamId);
        }
    }

    private async Task SendAsync(uint streamId, OutgoingRequest request, PendingCall call)
    {
        try
        {
            await _writer.WriteAsync(streamId, FrameType.Request, request, _lifetime.Token);
        }
        catch (TtrpcException tooLarge)
        {
            call.Fail(tooLarge);
        }
        catch (Exception broken)
        {
            // Part of a frame may have been written: nothing can follow it.
            End(broken.Message, broken);
        }
    }

    private async Task ReadResponsesAsync()
    {
        try
        {
            while (await _reader.ReadAsync(_lifetime.Token) is { } frame)
            {
                try
                {
                    Take(frame);
                }
                finally
                {
                    frame.Return();
                }
            }

            End("the other side closed it", null);
        }
        catch (Exception broken)
        {
            // The last stop: without a reader every call would wait for ever.
            End(broken.Message, broken);
        }
    }

    private void Take(in Frame frame)
    {
        if (frame.Header.Type is not (FrameType.Response or FrameType.Data))
        {
            return;   // a kind of frame that does not concern calls of this version
        }

        PendingCall? call;
        lock (_gate)
        {
            // Not there: the answer to a call that was given up.
            if (!_pending.Remove(frame.Header.StreamId, out call))
            {
                return;
            }
        }

        if (frame.Header.Type == FrameType.Data)
        {
            call.Fail(new TtrpcException(TtrpcCode.Internal, $"{_peer}: answered with a stream where one response was expected"));
            return;
        }

        try
        {
            Settle(call, ResponseEnvelope.Parse(frame.Payload));
        }
        catch (ProtocolException malformed)
        {
            call.Fail(new TtrpcException(TtrpcCode.Internal, $"{_peer}: {malformed.Message}", malformed));
        }
    }

    private static void Settle(PendingCall call, ResponseEnvelope response)
    {
        if (response.Code == TtrpcCode.Ok)
        {
            call.Complete(response.Payload);
        }
        else
        {
            call.Fail(new TtrpcException(response.Code, response.Message));
        }
    }

    private void End(string reason, Exception? cause)
    {
        PendingCall[] calls;
        TtrpcException ended;
        lock (_gate)
        {
            if (_ended is not null)
            {
                return;
            }

            ended = _ended = new TtrpcException(TtrpcCode.Unavailable, $"{_peer}: the connection ended: {reason}", cause);
            calls = [.. _pending.Values];
            _pending.Clear();
        }

        _lifetime.Cancel();
        foreach (PendingCall call in calls)
        {
            call.Fail(ended);
        }

        _closed.TrySetResult(reason);
    }
}
