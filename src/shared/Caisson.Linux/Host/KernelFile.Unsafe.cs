using System.Runtime.InteropServices;
using System.Text;

namespace Caisson.Linux;

/// <summary>
/// Small files of /proc, /sys and cgroups by three system calls each and no more: FileStream needs seven, locks and fstat among them.
/// Paths are trusted: they are the host's own and built by us.
/// </summary>
internal static unsafe class KernelFile
{
    private const int OpenRead = 0x80000;   // O_RDONLY | O_CLOEXEC
    private const int OpenWrite = 0x80001;  // O_WRONLY | O_CLOEXEC

    // Grows by doubling; the largest file read here is mountinfo, and 100,000 mounts (sysctl fs.mount-max) of 160 bytes are below this.
    private const int MaxFileBytes = 64 * 1024 * 1024;

    internal static bool TryRead(string path, out string content, out Errno why)
    {
        bool read = TryReadBytes(path, out byte[] bytes, out int length, out why);
        content = read ? Encoding.UTF8.GetString(bytes, 0, length) : "";
        return read;
    }

    internal static string Read(string path) =>
        TryRead(path, out string content, out Errno why) ? content : throw new SyscallException($"read({path})", why);

    /// <summary>Fills a caller's buffer; a longer file is cut.</summary>
    internal static int TryRead(string path, Span<byte> buffer, out Errno why)
    {
        int fd = Open(path, OpenRead);
        if (fd < 0)
        {
            why = Libc.LastError;
            return -1;
        }

        int count = ReadOnce(fd, buffer);
        why = count < 0 ? Libc.LastError : Errno.None;
        _ = Libc.close(fd);
        return count;
    }

    internal static bool TryReadBytes(string path, out byte[] bytes, out int length, out Errno why)
    {
        bytes = [];
        length = 0;
        int fd = Open(path, OpenRead);
        if (fd < 0)
        {
            why = Libc.LastError;
            return false;
        }

        bytes = new byte[4096];
        why = Errno.None;
        int count;
        while ((count = ReadOnce(fd, bytes.AsSpan(length))) > 0)
        {
            length += count;
            if (length == bytes.Length)
            {
                if (length >= MaxFileBytes)
                {
                    why = Errno.EFBIG;
                    break;
                }

                Array.Resize(ref bytes, length * 2);
            }
        }

        if (count < 0)
        {
            why = Libc.LastError;
        }

        _ = Libc.close(fd);
        return why == Errno.None;
    }

    /// <summary>Writes in one write(2): kernel files take each write as one value.</summary>
    internal static bool TryWrite(string path, string value, out Errno why)
    {
        int fd = Open(path, OpenWrite);
        if (fd < 0)
        {
            why = Libc.LastError;
            return false;
        }

        const int StackBytes = 512;
        int size = Encoding.UTF8.GetMaxByteCount(value.Length);
        Span<byte> buffer = size <= StackBytes ? stackalloc byte[StackBytes] : new byte[size];
        int length = Encoding.UTF8.GetBytes(value, buffer);
        long written = WriteOnce(fd, buffer[..length]);
        why = written < 0 ? Libc.LastError : Errno.None;
        _ = Libc.close(fd);
        return why == Errno.None;
    }

    internal static void Write(string path, string value)
    {
        if (!TryWrite(path, value, out Errno why))
        {
            throw new SyscallException($"write({path}, \"{value}\")", why);
        }
    }

    private static int Open(string path, int flags)
    {
        int fd;
        do
        {
            fd = Libc.open_path(path, flags);
        }
        while (fd < 0 && Libc.LastError == Errno.EINTR);
        return fd;
    }

    private static int ReadOnce(int fd, Span<byte> buffer)
    {
        long count;
        do
        {
            fixed (byte* start = buffer)
            {
                // SAFETY: the span is pinned for the call, and its own length is the limit.
                count = Libc.read_some(fd, start, (nuint)buffer.Length);
            }
        }
        while (count < 0 && Libc.LastError == Errno.EINTR);
        return (int)count;
    }

    private static long WriteOnce(int fd, ReadOnlySpan<byte> buffer)
    {
        long count;
        do
        {
            fixed (byte* start = buffer)
            {
                // SAFETY: the span is pinned for the call, and its own length is the limit.
                count = Libc.write_some(fd, start, (nuint)buffer.Length);
            }
        }
        while (count < 0 && Libc.LastError == Errno.EINTR);
        return count;
    }
}

internal static unsafe partial class Libc
{
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open_path(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint read_some(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint write_some(int fd, byte* buffer, nuint count);
}
