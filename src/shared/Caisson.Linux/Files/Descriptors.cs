namespace Caisson.Linux;

/// <summary>Filling descriptor owners from the kernel, and the calls that work on any descriptor.</summary>
public static class Descriptors
{
    /// <summary>AT_FDCWD as an object. Never disposed; its number is negative, so nothing would be closed.</summary>
    internal static FileDescriptor WorkingDirectory { get; } = FileFd.FromNumber(-100);

    /// <summary>A second number for the same open file description, close-on-exec.</summary>
    public static FileFd Duplicate(this FileDescriptor fd)
    {
        const int F_DUPFD_CLOEXEC = 1030;
        var copy = new FileFd();
        copy.Adopt(Libc.Check(Libc.fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl(F_DUPFD_CLOEXEC)"));
        return copy;
    }

    /// <summary>Makes <paramref name="fd"/> also known as <paramref name="number"/>, open across execve, closing what was there. For 0, 1, 2 and passed descriptors only.</summary>
    public static void DuplicateTo(this FileDescriptor fd, int number)
    {
        if (fd.Number == number)
        {
            fd.SetCloseOnExec(false);
            return;
        }

        Retry(() => Libc.dup2(fd, number), "dup2");
    }

    /// <summary>
    /// Whether a number is a descriptor that this program was executed with: such a one has not FD_CLOEXEC, which everything has that is
    /// opened here, by the runtime too (it keeps /dev/urandom).
    /// </summary>
    public static bool IsInherited(int number)
    {
        const int F_GETFD = 1;
        const int FD_CLOEXEC = 1;
        FileFd fd = FileFd.FromNumber(number);
        try
        {
            int flags = Libc.fcntl(fd, F_GETFD, 0);
            return flags >= 0 && (flags & FD_CLOEXEC) == 0;
        }
        finally
        {
            fd.Release();
        }
    }

    /// <summary>Sets or clears FD_CLOEXEC.</summary>
    public static void SetCloseOnExec(this FileDescriptor fd, bool on)
    {
        const int F_SETFD = 2;
        Libc.Check(Libc.fcntl(fd, F_SETFD, on ? 1 : 0), "fcntl(F_SETFD)");
    }

    /// <summary>Sets or clears O_NONBLOCK on the open file description (shared with every duplicate).</summary>
    public static void SetNonBlocking(this FileDescriptor fd, bool on)
    {
        const int F_GETFL = 3;
        const int F_SETFL = 4;
        int flags = Libc.Check(Libc.fcntl(fd, F_GETFL, 0), "fcntl(F_GETFL)");
        int wanted = on ? flags | (int)OpenFlags.O_NONBLOCK : flags & ~(int)OpenFlags.O_NONBLOCK;
        Libc.Check(Libc.fcntl(fd, F_SETFL, wanted), "fcntl(F_SETFL)");
    }

    /// <summary>Marks every descriptor from <paramref name="first"/> up close-on-exec (CVE-2024-21626: none may leak into a workload).</summary>
    public static void CloseOnExecFrom(int first)
    {
        const uint CLOSE_RANGE_CLOEXEC = 4;
        Libc.Check(Libc.close_range((uint)first, uint.MaxValue, CLOSE_RANGE_CLOEXEC), "close_range(CLOEXEC)");
    }

    /// <summary>Closes every descriptor from <paramref name="first"/> up at once. Only where no owner object is alive any more.</summary>
    public static void CloseFrom(int first) =>
        Libc.Check(Libc.close_range((uint)first, uint.MaxValue, 0), "close_range");

    /// <summary>
    /// Closes every descriptor from <paramref name="first"/> up but these. For a process that waits long before its execve and must not hold
    /// what it happened to inherit; owner objects of what is closed are not used again.
    /// </summary>
    public static void CloseFromExcept(int first, params ReadOnlySpan<FileDescriptor> kept)
    {
        Span<int> numbers = stackalloc int[kept.Length];
        for (int i = 0; i < kept.Length; i++)
        {
            numbers[i] = kept[i].Number;
        }

        numbers.Sort();
        foreach (int number in numbers)
        {
            if (number > first)
            {
                Libc.Check(Libc.close_range((uint)first, (uint)number - 1, 0), "close_range");
            }

            first = Math.Max(first, number + 1);
        }

        CloseFrom(first);
    }

    internal static void Open(FileDescriptor into, FileDescriptor? directory, string path, OpenFlags flags, uint mode)
    {
        if (!TryOpen(into, directory, path, flags, mode, out Errno why))
        {
            throw new SyscallException($"open({path})", why);
        }
    }

    internal static bool TryOpen(FileDescriptor into, FileDescriptor? directory, string path, OpenFlags flags, uint mode, out Errno why)
    {
        int number;
        do
        {
            number = Libc.openat(directory ?? WorkingDirectory, path, (int)(flags | OpenFlags.O_CLOEXEC), mode);
            why = number < 0 ? Libc.LastError : Errno.None;
        }
        while (why == Errno.EINTR);

        if (number < 0)
        {
            return false;
        }

        into.Adopt(number);
        return true;
    }

    /// <summary>Calls again while a signal interrupts.</summary>
    internal static int Retry(Func<int> call, string name)
    {
        while (true)
        {
            int result = call();
            if (result >= 0 || Libc.LastError != Errno.EINTR)
            {
                return Libc.Check(result, name);
            }
        }
    }
}
