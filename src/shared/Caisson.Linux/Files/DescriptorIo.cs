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
        byte[] buffer = new byte[Math.Min(4096, limitBytes + 1)];
        int length = 0;
        while (true)
        {
            int count = fd.Read(buffer.AsSpan(length));
            length += count;
            if (length > limitBytes)
            {
                throw new SyscallException($"read(fd {fd.Number}): more than {limitBytes} bytes", Errno.EFBIG);
            }

            if (count == 0)
            {
                return buffer[..length];
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, (long)limitBytes + 1));
            }
        }
    }
}

/// <summary>Whole files at trusted paths: three system calls each, where System.IO needs seven.</summary>
public static class SmallFile
{
    // No file of /proc, /sys or our own that we read whole is larger; mountinfo of a host with 100,000 mounts is 20 MB.
    private const int DefaultLimitBytes = 64 * 1024 * 1024;

    /// <summary>The content of a file.</summary>
    public static byte[] Read(string path, int limitBytes = DefaultLimitBytes)
    {
        using FileFd fd = FileCalls.Open(path, OpenFlags.O_RDONLY);
        return fd.ReadToEnd(limitBytes);
    }

    /// <summary>The content of a file as UTF-8 text.</summary>
    public static string ReadText(string path) => Encoding.UTF8.GetString(Read(path));

    /// <inheritdoc cref="ReadText"/>
    public static bool TryReadText(string path, out string text, out Errno why)
    {
        text = "";
        bool open = FileCalls.TryOpen(path, OpenFlags.O_RDONLY, out FileFd fd, out why);
        using (fd)
        {
            if (!open)
            {
                return false;
            }

            try
            {
                text = Encoding.UTF8.GetString(fd.ReadToEnd(DefaultLimitBytes));
                return true;
            }
            catch (SyscallException cause)
            {
                why = cause.Errno;    // /proc files of a process that ended answer ESRCH to read, not to open
                return false;
            }
        }
    }

    /// <summary>Writes text to an existing file in one write, as /proc, /sys and cgroup files demand.</summary>
    public static void Write(string path, string text)
    {
        if (!TryWrite(path, text, out Errno why))
        {
            throw new SyscallException($"write({path}, \"{text}\")", why);
        }
    }

    /// <inheritdoc cref="Write"/>
    public static bool TryWrite(string path, string text, out Errno why)
    {
        bool open = FileCalls.TryOpen(path, OpenFlags.O_WRONLY, out FileFd fd, out why);
        using (fd)
        {
            return open && fd.TryWrite(Encoding.UTF8.GetBytes(text), out _, out why);
        }
    }
}
