using System.Text;

namespace Caisson.Linux;

/// <summary>Reading and writing descriptors. Interrupted calls are repeated.</summary>
public static class DescriptorIo
{
    /// <summary>Reads at most the buffer's length; 0 at the end of file.</summary>
    public static int Read(this FileDescriptor fd, Span<byte> buffer) =>
        TryRead(fd, buffer, out int count, out Errno why) ? count : throw new SyscallException($"read(fd {fd.Number})", why);

    /// <inheritdoc cref="Read"/>
    public static bool TryRead(this FileDescriptor fd, Span<byte> buffer, out int count, out Errno why)
    {
        do
        {
            count = (int)Libc.read(fd, buffer, (nuint)buffer.Length);
            why = count < 0 ? Libc.LastError : Errno.None;
        }
        while (why == Errno.EINTR);

        return count >= 0;
    }

    /// <summary>Writes some of the buffer.</summary>
    public static bool TryWrite(this FileDescriptor fd, ReadOnlySpan<byte> buffer, out int count, out Errno why)
    {
        do
        {
            count = (int)Libc.write(fd, buffer, (nuint)buffer.Length);
            why = count < 0 ? Libc.LastError : Errno.None;
        }
        while (why == Errno.EINTR);

        return count >= 0;
    }

    /// <summary>Writes the whole buffer. Not for non-blocking descriptors.</summary>
    public static void WriteAll(this FileDescriptor fd, ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (!TryWrite(fd, buffer, out int count, out Errno why))
            {
                throw new SyscallException($"write(fd {fd.Number})", why);
            }

            buffer = buffer[count..];
        }
    }

    /// <summary>Writes text as UTF-8 in one call where it is short enough, as /proc and /sys demand.</summary>
    public static void WriteAll(this FileDescriptor fd, string text) => WriteAll(fd, Encoding.UTF8.GetBytes(text));

    /// <summary>Reads to the end of file.</summary>
    /// <param name="fd">The file.</param>
    /// <param name="limitBytes">More than this is refused with EFBIG.</param>
    public static byte[] ReadToEnd(this FileDescriptor fd, int limitBytes)
    {
        if (TryReadToEnd(fd, limitBytes, out ReadOnlySpan<byte> bytes, out Errno why))
        {
            return bytes.ToArray();
        }

        throw new SyscallException(why == Errno.EFBIG ? $"read(fd {fd.Number}): more than {limitBytes} bytes" : $"read(fd {fd.Number})", why);
    }

    /// <inheritdoc cref="ReadToEnd"/>
    internal static bool TryReadToEnd(FileDescriptor fd, int limitBytes, out ReadOnlySpan<byte> bytes, out Errno why)
    {
        bytes = default;
        byte[] buffer = new byte[Math.Min(4096, limitBytes + 1)];
        int length = 0;
        while (true)
        {
            if (!fd.TryRead(buffer.AsSpan(length), out int count, out why))
            {
                return false;
            }

            length += count;
            if (length > limitBytes)
            {
                why = Errno.EFBIG;
                return false;
            }

            if (count == 0)
            {
                bytes = buffer.AsSpan(0, length);
                return true;
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, (long)limitBytes + 1));
            }
        }
    }
}
