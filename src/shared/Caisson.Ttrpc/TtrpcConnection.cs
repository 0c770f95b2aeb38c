using Caisson.Linux;
using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// The server's side of one connection. One loop reads; handlers run beside it; <see cref="RunAsync"/> ends when the
/// stream has, and not before the last handler.
/// </summary>
internal sealed class TtrpcConnection(TtrpcServer server, Stream stream, CancellationTokenSource ending) : IDisposable
{
    private readonly RequestsInFlight _inFlight = new();
    private readonly FrameReader _reader = new(stream);
    private readonly FrameWriter _writer = new(stream);

    internal async Task RunAsync()
    {
        try
        {
            while (await _reader.ReadAsync(ending.Token) is { } frame)
            {
                await TakeAsync(frame);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Asked to end; or the peer went away while a response was being written, which is an ordinary end too.
        }
        catch (IOException gone) when (gone is not ProtocolException)
        {
            // A peer that closes with a response unread is seen as a reset (unix(7)), not as the end of the stream.
        }
        finally
        {
            // Handlers are told before they are waited for. Their responses have nowhere to go.
            await ending.CancelAsync();
            await _inFlight.DrainAsync();
        }
    }

    public void Dispose() => _writer.Dispose();

    private async ValueTask TakeAsync(Frame frame)
    {
        uint streamId = frame.Header.StreamId;
        int bytes = frame.Header.Length;
        if (frame.Header.Type != FrameType.Request)
        {
            frame.Return();   // the data of a stream that was refused, or a kind of a later version
            return;
        }

        OutgoingResponse refusal;
        try
        {
            Start(frame, streamId, bytes);
            return;
        }
        catch (TtrpcException refused)
        {
            refusal = new OutgoingResponse(refused.Code, refused.Message);
        }
        finally
        {
            frame.Return();
        }

        // Awaited by the reading loop: a peer that sends what is refused and never reads gets no further.
        await _writer.TakeTurnAsync(ending.Token);
        await _writer.WriteAsync(streamId, FrameType.Response, refusal, ending.Token);
    }

    // Everything that needs the frame's bytes happens here; the handler gets a message of its own.
    private void Start(in Frame frame, uint streamId, int bytes)
    {
        if (streamId % 2 == 0)
        {
            throw new TtrpcException(TtrpcCode.InvalidArgument, $"stream id {streamId} of a client must be odd");
        }

        if (frame.Header.Flags.HasFlag(FrameFlags.RemoteOpen))
        {
            throw new TtrpcException(TtrpcCode.Unimplemented, "streaming calls are not served here");
        }

        RequestEnvelope envelope = RequestEnvelope.Parse(frame.Payload);
        TtrpcMethod method = server.Find(envelope.Service, envelope.Method);
        _inFlight.Enter(streamId, bytes);
        try
        {
            IMessage request = method.Parse(envelope.Payload);
            IReadOnlyList<KeyValuePair<string, string>> metadata = envelope.Metadata;
            TimeSpan? timeout = TtrpcTime.FromNanoseconds(envelope.TimeoutNano);
            // On the pool: a handler that computes before its first await must not stop the reading loop.
            // Not awaited here but by DrainAsync, which HandleAsync's Leave completes.
            _ = Task.Run(() => HandleAsync(streamId, bytes, method, request, metadata, timeout), CancellationToken.None);
        }
        catch
        {
            _inFlight.Leave(streamId, bytes);
            throw;
        }
    }

    private async Task HandleAsync(
        uint streamId, int bytes, TtrpcMethod method, IMessage request, IReadOnlyList<KeyValuePair<string, string>> metadata, TimeSpan? timeout)
    {
        Func<Task>? answered = null;
        try
        {
            (OutgoingResponse response, answered) = await InvokeAsync(method, request, metadata, timeout);
            await _writer.TakeTurnAsync(ending.Token);
            await RespondAsync(streamId, response);
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is of no use any more; the reading loop ends it and waits for us.
            await ending.CancelAsync();
        }
        finally
        {
            try
            {
                await (answered?.Invoke() ?? Task.CompletedTask);
            }
            finally
            {
                _inFlight.Leave(streamId, bytes);
            }
        }
    }

    private async Task RespondAsync(uint streamId, OutgoingResponse response)
    {
        try
        {
            await _writer.WriteAsync(streamId, FrameType.Response, response, ending.Token);
        }
        catch (TtrpcException tooLarge)
        {
            // Nothing of it was written: the caller can still be told.
            await _writer.TakeTurnAsync(ending.Token);
            await _writer.WriteAsync(streamId, FrameType.Response, new OutgoingResponse(tooLarge.Code, tooLarge.Message), ending.Token);
        }
    }

    private async Task<(OutgoingResponse Response, Func<Task>? Answered)> InvokeAsync(
        TtrpcMethod method, IMessage request, IReadOnlyList<KeyValuePair<string, string>> metadata, TimeSpan? timeout)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        if (timeout is { } limit)
        {
            deadline.CancelAfter(limit);
        }

        try
        {
            var context = new TtrpcContext(metadata, deadline.Token);
            var response = new OutgoingResponse(await method.InvokeAsync(request, context));
            return (response, context.Answered);
        }
        catch (Exception failure)
        {
            return (RefusalOf(failure, deadline.IsCancellationRequested), null);
        }
    }

    // The last stop: whatever a handler throws belongs to its caller, not to the process.
    private static OutgoingResponse RefusalOf(Exception failure, bool isLate) => failure switch
    {
        TtrpcException coded => new OutgoingResponse(coded.Code, coded.Message),
        OperationCanceledException when isLate => new OutgoingResponse(TtrpcCode.DeadlineExceeded, "the time allowed for the call has passed"),
        OperationCanceledException => new OutgoingResponse(TtrpcCode.Cancelled, "the call was given up"),
        SyscallException => new OutgoingResponse(TtrpcCode.Internal, failure.Message),
        _ => new OutgoingResponse(TtrpcCode.Unknown, $"{failure.GetType().Name}: {failure.Message}"),
    };
}
