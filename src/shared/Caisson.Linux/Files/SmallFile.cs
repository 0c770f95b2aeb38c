using System.Text;

namespace Caisson.Linux;

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
        bool open = FileCalls.TryOpen(path, OpenFlags.O_RDONLY, out FileFd fd, out why);
        using (fd)
        {
            // /proc files of a process that ended answer ESRCH to read, not to open
            ReadOnlySpan<byte> bytes = default;
            bool read = open && DescriptorIo.TryReadToEnd(fd, DefaultLimitBytes, out bytes, out why);
            text = Encoding.UTF8.GetString(bytes);
            return read;
        }
    }

    /// <summary>Fills a buffer from the start of a file; the rest of a longer one is left out.</summary>
    public static bool TryReadStart(string path, Span<byte> buffer, out int length, out Errno why)
    {
        length = 0;
        bool open = FileCalls.TryOpen(path, OpenFlags.O_RDONLY, out FileFd fd, out why);
        using (fd)
        {
            return open && fd.TryRead(buffer, out length, out why);
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
