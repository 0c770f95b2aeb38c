namespace Caisson.Ttrpc;

/// <summary>The agent's stream of one session.</summary>
internal sealed class AgentSerialSession(SerialListener listener, byte[] nonce, byte[] challenge) : DuplexStream
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ending = new();
    private readonly byte[] _left = new byte[SerialFrames.MaxSegmentDataBytes];   // of the last segment; under the listener's reading lock
    private int _leftStart;
    private int _leftEnd;

    internal ReadOnlySpan<byte> Nonce => nonce;

    internal ReadOnlySpan<byte> Challenge => challenge;

    internal Task Ended => _ended.Task;

    internal bool HasEnded => _ended.Task.IsCompleted;

    internal CancellationToken EndedToken => _ending.Token;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        listener.ReadAsync(this, buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        listener.WriteAsync(this, buffer, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await listener.HangUpAsync(this);
        await base.DisposeAsync();
    }

    internal void MarkEnded()
    {
        _ended.TrySetResult();
        _ending.Cancel();
    }

    internal int TakeLeft(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _leftEnd - _leftStart);
        _left.AsSpan(_leftStart, count).CopyTo(buffer);
        _leftStart += count;
        return count;
    }

    internal void SetLeft(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_left);
        _leftStart = 0;
        _leftEnd = data.Length;
    }
}
