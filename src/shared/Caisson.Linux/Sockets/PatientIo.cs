namespace Caisson.Linux;

/// <summary>Reading and writing that waits where a non-blocking descriptor answers EAGAIN.</summary>
public static class PatientIo
{
    /// <summary>Reads once, waiting until something is there.</summary>
    /// <param name="descriptor">The descriptor, blocking or not.</param>
    /// <param name="buffer">Where the bytes go.</param>
    /// <returns>The count; 0 at the end.</returns>
    public static int Read(FileDescriptor descriptor, Span<byte> buffer)
    {
        int count;
        Errno why;
        while (!descriptor.TryRead(buffer, out count, out why))
        {
            WaitOrThrow(descriptor, PollEvents.In, "read", why);
        }

        return count;
    }

    /// <summary>Writes all bytes, waiting as often as it must.</summary>
    /// <param name="descriptor">The descriptor, blocking or not.</param>
    /// <param name="bytes">The bytes.</param>
    public static void WriteAll(FileDescriptor descriptor, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (descriptor.TryWrite(bytes, out int count, out Errno why))
            {
                bytes = bytes[count..];
            }
            else
            {
                WaitOrThrow(descriptor, PollEvents.Out, "write", why);
            }
        }
    }

    /// <summary>Makes the open file description non-blocking, for every descriptor of it, in other processes too.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="nonBlocking">False makes it blocking again.</param>
    public static void SetNonBlocking(FileDescriptor descriptor, bool nonBlocking = true)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        int flags = Libc.Check(Libc.fcntl_flags(descriptor.Number, Libc.F_GETFL, 0), "fcntl(F_GETFL)");
        int wanted = nonBlocking ? flags | Libc.O_NONBLOCK : flags & ~Libc.O_NONBLOCK;
        if (wanted != flags)
        {
            Libc.Check(Libc.fcntl_flags(descriptor.Number, Libc.F_SETFL, wanted), "fcntl(F_SETFL)");
        }
    }

    private static void WaitOrThrow(FileDescriptor descriptor, PollEvents wanted, string call, Errno why)
    {
        if (why != Errno.EAGAIN)
        {
            throw new SyscallException(call, why);
        }

        Poller.Wait(descriptor, wanted, Timeout.InfiniteTimeSpan);
    }
}
