using Caisson.Linux;
using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// A client for programs of one thread: no tasks, one call under way at a time, which may be begun and ended separately so that the
/// program does other work meanwhile. Not safe for use by several threads.
/// </summary>
public sealed class BlockingTtrpcClient : IDisposable
{
    private readonly UnixSocket _socket;
    private readonly string _peer;
    private uint _nextStream = 1;
    private uint _awaited;

    /// <summary>Takes over a connected socket.</summary>
    /// <param name="socket">The connection; closed with this object.</param>
    /// <param name="peer">The other side's name, for messages.</param>
    public BlockingTtrpcClient(UnixSocket socket, string peer)
    {
        _socket = socket;
        _peer = peer;
    }

    /// <summary>Readable when something has come: between <see cref="Begin"/> and <see cref="End{TResponse}"/>, to wait for other things too.</summary>
    public FileDescriptor Descriptor => _socket;

    /// <summary>Calls and waits.</summary>
    /// <param name="service">The service's name with its package.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="request">The request.</param>
    /// <param name="parser">Reads the response.</param>
    /// <param name="atMost">How long to wait for the response; null waits for ever.</param>
    /// <exception cref="TtrpcException">The other side's status; Unavailable when the connection ended; DeadlineExceeded.</exception>
    public TResponse Call<TResponse>(string service, string method, IMessage request, MessageParser<TResponse> parser, TimeSpan? atMost = null)
        where TResponse : IMessage<TResponse>
    {
        Begin(service, method, request, atMost);
        return End(parser, atMost);
    }

    /// <summary>Sends a request; <see cref="End{TResponse}"/> takes its response.</summary>
    /// <exception cref="TtrpcException">Unavailable: the connection ended.</exception>
    public void Begin(string service, string method, IMessage request, TimeSpan? atMost = null)
    {
        var outgoing = new OutgoingRequest(service, method, request, TtrpcTime.ToNanoseconds(atMost), []);
        byte[] frame = new byte[FrameHeader.Bytes + outgoing.Measure()];
        new FrameHeader(frame.Length - FrameHeader.Bytes, _nextStream, FrameType.Request, FrameFlags.None).Write(frame);
        outgoing.Write(frame.AsSpan(FrameHeader.Bytes));
        _awaited = _nextStream;
        _nextStream += 2;
        try
        {
            _socket.Write(frame);
        }
        catch (SyscallException cause)
        {
            throw new TtrpcException(TtrpcCode.Unavailable, $"{_peer}: {cause.Message}", cause);
        }
    }

    /// <summary>Waits for the response to the request begun last.</summary>
    /// <exception cref="TtrpcException">As for <see cref="Call"/>.</exception>
    public TResponse End<TResponse>(MessageParser<TResponse> parser, TimeSpan? atMost = null)
        where TResponse : IMessage<TResponse>
    {
        long deadline = atMost is { } limit ? Environment.TickCount64 + (long)limit.TotalMilliseconds : long.MaxValue;
        while (true)
        {
            byte[] header = new byte[FrameHeader.Bytes];
            ReadExactly(header, deadline);
            FrameHeader frame = FrameHeader.Parse(header);
            byte[] payload = new byte[frame.Length];
            ReadExactly(payload, deadline);

            // The answer to a call that was given up may still arrive.
            if (frame.Type == FrameType.Response && frame.StreamId == _awaited)
            {
                ResponseEnvelope response = ResponseEnvelope.Parse(payload);
                return response.Code == TtrpcCode.Ok
                    ? parser.ParseFrom(response.Payload)
                    : throw new TtrpcException(response.Code, response.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void ReadExactly(Span<byte> buffer, long deadline)
    {
        while (buffer.Length > 0)
        {
            WaitReadable(deadline);
            int count;
            try
            {
                count = _socket.Read(buffer);
            }
            catch (SyscallException cause)
            {
                throw new TtrpcException(TtrpcCode.Unavailable, $"{_peer}: {cause.Message}", cause);
            }

            if (count == 0)
            {
                throw new TtrpcException(TtrpcCode.Unavailable, $"{_peer} closed the connection");
            }

            buffer = buffer[count..];
        }
    }

    private void WaitReadable(long deadline)
    {
        TimeSpan left = deadline == long.MaxValue
            ? Timeout.InfiniteTimeSpan
            : TimeSpan.FromMilliseconds(Math.Max(0, deadline - Environment.TickCount64));
        if (Poller.Wait(_socket, PollEvents.In, left) == PollEvents.None)
        {
            throw new TtrpcException(TtrpcCode.DeadlineExceeded, $"{_peer} did not answer in time");
        }
    }
}
