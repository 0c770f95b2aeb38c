using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A keeper's connection to the supervisor that dialled it: frames in, frames out, never blocking the keeper's loop.</summary>
internal sealed class KeeperConnection : IDisposable
{
    private readonly UnixSocket _socket;
    private readonly byte[] _received = new byte[KeeperFrame.HeaderLength + KeeperFrame.MaxPayload];
    private readonly Queue<byte[]> _outbox = new();
    private int _receivedLength;
    private int _sentOfFirst;

    internal KeeperConnection(UnixSocket socket)
    {
        _socket = socket;
        _socket.SetNonBlocking(true);
    }

    internal FileDescriptor Socket => _socket;

    internal bool WantsWrite => _outbox.Count > 0;

    internal void Send(KeeperFrameType type, ulong value, ReadOnlySpan<byte> payload = default)
    {
        byte[] bytes = new byte[KeeperFrame.HeaderLength + payload.Length];
        new KeeperFrame(type, value, payload.Length).WriteHeader(bytes);
        payload.CopyTo(bytes.AsSpan(KeeperFrame.HeaderLength));
        _outbox.Enqueue(bytes);
    }

    /// <summary>Writes what fits.</summary>
    /// <returns>False when the supervisor is gone.</returns>
    internal bool Flush()
    {
        while (_outbox.TryPeek(out byte[]? first))
        {
            if (!_socket.TryWrite(first.AsSpan(_sentOfFirst), out int count, out Errno why))
            {
                return why is Errno.EAGAIN or Errno.EINTR;
            }

            _sentOfFirst += count;
            if (_sentOfFirst == first.Length)
            {
                _outbox.Dequeue();
                _sentOfFirst = 0;
            }
        }

        return true;
    }

    /// <summary>Reads what is there and hands on every whole frame.</summary>
    /// <returns>False when the supervisor is gone.</returns>
    /// <exception cref="InvalidDataException">The supervisor broke the protocol.</exception>
    internal bool Receive(Action<KeeperFrame, ReadOnlyMemory<byte>> take)
    {
        if (!_socket.TryRead(_received.AsSpan(_receivedLength), out int count, out Errno why))
        {
            return why is Errno.EAGAIN or Errno.EINTR;
        }

        _receivedLength += count;
        int position = 0;
        while (TryNext(position, out KeeperFrame frame))
        {
            int payload = position + KeeperFrame.HeaderLength;
            take(frame, _received.AsSpan(payload, frame.PayloadLength).ToArray());
            position = payload + frame.PayloadLength;
        }

        _received.AsSpan(position, _receivedLength - position).CopyTo(_received);
        _receivedLength -= position;
        return count > 0;
    }

    public void Dispose() => _socket.Dispose();

    private bool TryNext(int position, out KeeperFrame frame)
    {
        int available = _receivedLength - position;
        frame = default;
        if (available < KeeperFrame.HeaderLength)
        {
            return false;
        }

        frame = KeeperFrame.ReadHeader(_received.AsSpan(position));
        return available - KeeperFrame.HeaderLength >= frame.PayloadLength;
    }
}
