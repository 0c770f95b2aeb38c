using System.Text;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// The fifo between <c>create</c> and <c>start</c>: init waits in opening it for writing, start opens it for reading. One byte says that
/// init was there; text after it says why the workload could not be executed; the end says that it was, because the descriptor closes on exec.
/// </summary>
internal static class ExecFifo
{
    // rw--w--w-: the container's user, whoever he is, writes to it.
    private const uint Mode = 0x192;
    private const byte HereIAm = (byte)'0';
    private const int MaxReportBytes = 16 * 1024;

    /// <summary>Makes the fifo and names it.</summary>
    internal static PathFd Create(string path)
    {
        try
        {
            using DirectoryFd directory = DirectoryFd.Open(Path.GetDirectoryName(path)!);
            FileCalls.MakeNode(directory, Path.GetFileName(path), FileType.Fifo, Mode);
            return FileCalls.OpenPathAt(directory, Path.GetFileName(path));
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"create exec fifo {path}", cause);
        }
    }

    /// <summary>Init's side. Through the host's procfs, because the path is the host's and the container's /proc may be anything.</summary>
    internal static FileFd Await(PathFd fifo, DirectoryFd hostProc)
    {
        FileFd opened = FileCalls.OpenAt(hostProc, $"self/fd/{fifo.Number}", OpenFlags.O_WRONLY);
        opened.WriteAll([HereIAm]);
        return opened;
    }

    /// <summary>Init's side, when execve(2) has failed.</summary>
    internal static void Report(FileFd fifo, string failure)
    {
        byte[] text = Encoding.UTF8.GetBytes(failure);
        _ = fifo.TryWrite(text.AsSpan(0, Math.Min(text.Length, MaxReportBytes)), out _, out _);
    }

    /// <summary>The starter's side.</summary>
    internal static void Release(string path, PidFd init)
    {
        if (!FileCalls.TryOpen(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOFOLLOW, out FileFd fifo, out Errno why))
        {
            throw why == Errno.ENOENT
                ? new ContainerException("cannot start an already running container", why)
                : ContainerException.Because($"open exec fifo {path}", why);
        }

        using (fifo)
        {
            string said = ReadAll(fifo, init);
            _ = FileCalls.TryRemove(path, isDirectory: false, out _);
            if (said.Length == 0)
            {
                throw new ContainerException("cannot start a container that has stopped", Errno.ESRCH);
            }

            if (said.Length > 1)
            {
                throw new ContainerException(said[1..]);
            }
        }
    }

    // Read to the end: the end is init's exec, or its death.
    private static string ReadAll(FileFd fifo, PidFd init)
    {
        byte[] buffer = new byte[MaxReportBytes + 1];
        int length = 0;
        while (length < buffer.Length)
        {
            Span<PollTarget> targets = [new PollTarget(fifo, PollEvents.In), new PollTarget(init, PollEvents.In)];
            Poller.Wait(targets, Timeout.InfiniteTimeSpan);

            // A reader that comes before any writer sees no event at all; only data, or a writer that has gone, is one.
            if (targets[0].Returned == PollEvents.None)
            {
                break;
            }

            if (!fifo.TryRead(buffer.AsSpan(length), out int count, out Errno why))
            {
                throw new SyscallException("read(exec fifo)", why);
            }

            if (count == 0)
            {
                break;
            }

            length += count;
        }

        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
