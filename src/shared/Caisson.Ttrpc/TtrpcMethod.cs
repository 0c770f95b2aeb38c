using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>What a handler may want to know about a call beside its request.</summary>
/// <param name="Metadata">Sent beside the request.</param>
/// <param name="CancellationToken">Cancelled when the caller goes away, when its time has passed, or when the server ends.</param>
public sealed record TtrpcContext(IReadOnlyList<KeyValuePair<string, string>> Metadata, CancellationToken CancellationToken)
{
    /// <summary>What <see cref="WhenAnswered"/> was given.</summary>
    internal Func<Task>? Answered { get; private set; }

    /// <summary>
    /// For a handler whose work ends the connection or the process: runs once the answer has been written, or could not be because the
    /// caller is gone. Not after a failure of the handler. Until it has ended, the connection counts as being served.
    /// </summary>
    /// <param name="action">What to do; its failures are its own.</param>
    public void WhenAnswered(Func<Task> action) => Answered = action;
}

/// <summary>A registered method: reads its request and runs its handler.</summary>
internal abstract class TtrpcMethod
{
    /// <exception cref="TtrpcException">The payload is not such a request.</exception>
    internal abstract IMessage Parse(ReadOnlySpan<byte> payload);

    internal abstract Task<IMessage> InvokeAsync(IMessage request, TtrpcContext context);
}

/// <inheritdoc/>
internal sealed class TtrpcMethod<TRequest, TResponse>(
    MessageParser<TRequest> parser, Func<TRequest, TtrpcContext, Task<TResponse>> handler) : TtrpcMethod
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    internal override IMessage Parse(ReadOnlySpan<byte> payload)
    {
        try
        {
            return parser.ParseFrom(payload);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw new TtrpcException(TtrpcCode.InvalidArgument, $"the request cannot be read: {malformed.Message}", malformed);
        }
    }

    internal override async Task<IMessage> InvokeAsync(IMessage request, TtrpcContext context) =>
        await handler((TRequest)request, context);
}
