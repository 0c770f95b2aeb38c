namespace Caisson.Ttrpc;

/// <summary>Counts what one connection makes the server hold, and knows when the last handler has gone.</summary>
internal sealed class RequestsInFlight
{
    // Own limit: 300 processes with WaitProcess, ReadStdout and ReadStderr each, and room for the rest.
    internal const int MaxRequests = 1024;

    // Own limit: an agent's guest may have 256 MiB in all. Four messages of the largest size; ordinary ones are below 64 KiB.
    internal const long MaxBytes = 4L * FrameHeader.MaxPayloadBytes;

    private readonly Lock _gate = new();
    private readonly HashSet<uint> _streams = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private bool _draining;

    /// <exception cref="ProtocolException">The stream's id is in use: which answer belongs to which call could not be told any more.</exception>
    /// <exception cref="TtrpcException">A limit is reached.</exception>
    internal void Enter(uint streamId, int bytes)
    {
        lock (_gate)
        {
            if (_streams.Contains(streamId))
            {
                throw new ProtocolException($"stream id {streamId} was used for a second request while the first is being served");
            }

            if (_streams.Count == MaxRequests)
            {
                throw new TtrpcException(TtrpcCode.ResourceExhausted, $"{MaxRequests} requests are in flight on this connection already");
            }

            if (_bytes > MaxBytes - bytes)
            {
                throw new TtrpcException(TtrpcCode.ResourceExhausted, $"requests of {_bytes} bytes are in flight on this connection; the limit is {MaxBytes}");
            }

            _streams.Add(streamId);
            _bytes += bytes;
        }
    }

    /// <summary>The handler has returned and its response is written: a response that cannot be written counts, for it is held.</summary>
    internal void Leave(uint streamId, int bytes)
    {
        lock (_gate)
        {
            _streams.Remove(streamId);
            _bytes -= bytes;
            if (_draining && _streams.Count == 0)
            {
                _drained.TrySetResult();
            }
        }
    }

    /// <summary>Waits for the last handler; nothing may enter any more.</summary>
    internal Task DrainAsync()
    {
        lock (_gate)
        {
            _draining = true;
            if (_streams.Count == 0)
            {
                _drained.TrySetResult();
            }
        }

        return _drained.Task;
    }
}
