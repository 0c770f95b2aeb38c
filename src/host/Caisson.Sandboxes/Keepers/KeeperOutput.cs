using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// One of a keeper's output streams: at most one frame's bytes wait here. Written in pieces that a pipe with any room takes whole,
/// because the description is shared with the engine and must not be made non-blocking.
/// </summary>
internal sealed class KeeperOutput(FileDescriptor target)
{
    // PIPE_BUF, pipe(7): poll reports a pipe writable when at least this much fits.
    private const int Piece = 4096;

    private ReadOnlyMemory<byte> _pending;
    private bool _readerGone;

    internal FileDescriptor Target => target;

    /// <summary>Bytes written for good, or thrown away because nobody reads any more.</summary>
    internal ulong Written { get; private set; }

    internal bool IsPending => _pending.Length > 0;

    /// <summary>Takes the bytes of a frame.</summary>
    /// <exception cref="InvalidDataException">The frame does not begin where the stream stands.</exception>
    internal void Take(ulong offset, ReadOnlyMemory<byte> data)
    {
        if (IsPending || offset != Written)
        {
            throw new InvalidDataException($"keeper protocol: output at {offset}; the stream stands at {Written}");
        }

        _pending = data;
        if (_readerGone)
        {
            Discard();
        }
    }

    /// <summary>Forgets bytes not yet written: a new supervisor sends them again.</summary>
    internal void Forget() => _pending = default;

    /// <summary>Writes one piece; called when the target is writable or broken.</summary>
    internal void WritePiece()
    {
        ReadOnlyMemory<byte> piece = _pending[..Math.Min(Piece, _pending.Length)];
        if (target.TryWrite(piece.Span, out int count, out Errno why))
        {
            Written += (ulong)count;
            _pending = _pending[count..];
        }
        else if (why is not (Errno.EAGAIN or Errno.EINTR))
        {
            // EPIPE, EIO (a terminal that hung up), ENOSPC: a reader that goes away does not stop the container.
            Discard();
        }
    }

    private void Discard()
    {
        _readerGone = true;
        Written += (ulong)_pending.Length;
        _pending = default;
    }
}
