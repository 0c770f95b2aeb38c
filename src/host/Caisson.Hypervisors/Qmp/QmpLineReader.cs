namespace Caisson.Hypervisors;

/// <summary>Cuts QEMU's stream into lines, without ever holding more of it than one longest line.</summary>
internal sealed class QmpLineReader(Stream stream)
{
    /// <summary>query-qmp-schema, the longest reply of QEMU 7.2, is 190 kB. Longer than this is not QEMU speaking.</summary>
    internal const int MaxLineBytes = 1024 * 1024;

    private const int FirstBufferBytes = 4096;

    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _start;     // of the unread bytes
    private int _end;

    /// <summary>The next line without its line end, valid until the next call; null at the end of the stream.</summary>
    /// <exception cref="QmpException">A line is longer than <see cref="MaxLineBytes"/>.</exception>
    internal async Task<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken cancellationToken)
    {
        int searched = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0)
            {
                return TakeLine(searched + length);
            }

            searched = _end - _start;
            MakeRoom();
            int count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                // Half a line is what is left when QEMU dies while it speaks: nobody waits for it.
                return null;
            }

            _end += count;
        }
    }

    private ReadOnlyMemory<byte> TakeLine(int length)
    {
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, length);
        _start += length + 1;
        return line;
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        int unread = _end - _start;
        if (unread >= MaxLineBytes)
        {
            throw new QmpException("read", $"a line is longer than {MaxLineBytes} bytes");
        }

        byte[] room = _start > 0 ? _buffer : new byte[_buffer.Length * 2];
        _buffer.AsSpan(_start, unread).CopyTo(room);
        (_buffer, _start, _end) = (room, 0, unread);
    }
}
