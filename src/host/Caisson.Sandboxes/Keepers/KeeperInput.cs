using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// A keeper's standard input: one piece is read, sent, and held until the guest has taken all of it; only then is the next one read.
/// What is held is sent again to a new supervisor.
/// </summary>
internal sealed class KeeperInput(FileDescriptor source)
{
    // Half of what a pipe holds by default (pipe(7)): the writer fills the pipe again while a piece is under way.
    private const int Piece = 32 * 1024;

    private readonly byte[] _buffer = new byte[Piece];
    private int _start;
    private int _end;

    internal FileDescriptor Source => source;

    /// <summary>Bytes the guest has taken for good.</summary>
    internal ulong Taken { get; private set; }

    /// <summary>The source ended and everything before was taken.</summary>
    internal bool IsFinished => IsClosed && _start == _end;

    internal bool IsClosed { get; private set; }

    internal bool WantsRead => !IsClosed && _start == _end;

    internal ReadOnlySpan<byte> Held => _buffer.AsSpan(_start.._end);

    /// <summary>Reads the next piece; called when the source is readable or has ended.</summary>
    internal void ReadPiece()
    {
        _start = 0;
        _end = 0;
        if (!source.TryRead(_buffer, out int count, out Errno why))
        {
            // EIO is a terminal whose other side is gone.
            IsClosed = why is not (Errno.EAGAIN or Errno.EINTR);
        }
        else if (count == 0)
        {
            IsClosed = true;
        }
        else
        {
            _end = count;
        }
    }

    /// <summary>The guest has taken everything before <paramref name="total"/>.</summary>
    /// <exception cref="InvalidDataException">More was acknowledged than was ever sent.</exception>
    internal void Acknowledge(ulong total)
    {
        if (total < Taken || total - Taken > (ulong)(_end - _start))
        {
            throw new InvalidDataException($"keeper protocol: input acknowledged up to {total}; {Taken + (ulong)(_end - _start)} bytes were sent");
        }

        _start += (int)(total - Taken);
        Taken = total;
    }
}
