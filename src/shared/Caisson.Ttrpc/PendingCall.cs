using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>A call whose response has not come yet.</summary>
internal abstract class PendingCall
{
    /// <summary>Takes the response; the payload is valid during this call only.</summary>
    internal abstract void Complete(ReadOnlySpan<byte> payload);

    internal abstract void Fail(TtrpcException failure);
}

/// <inheritdoc/>
internal sealed class PendingCall<TResponse>(MessageParser<TResponse> parser, int maxResponseBytes) : PendingCall
    where TResponse : class, IMessage<TResponse>
{
    // The reading loop must not run the caller's code.
    private readonly TaskCompletionSource<TResponse> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<TResponse> Response => _outcome.Task;

    internal override void Complete(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > maxResponseBytes)
        {
            Fail(new TtrpcException(TtrpcCode.ResourceExhausted, $"the response is {payload.Length} bytes long; at most {maxResponseBytes} are read"));
            return;
        }

        try
        {
            // Unknown fields are not kept: two bytes on the wire could be dozens in memory.
            _outcome.TrySetResult(parser.WithDiscardUnknownFields(true).ParseFrom(payload));
        }
        catch (InvalidProtocolBufferException malformed)
        {
            Fail(new TtrpcException(TtrpcCode.Internal, $"the response cannot be read: {malformed.Message}", malformed));
        }
    }

    internal override void Fail(TtrpcException failure) => _outcome.TrySetException(failure);
}
