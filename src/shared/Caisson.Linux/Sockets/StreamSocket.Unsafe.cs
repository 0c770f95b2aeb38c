namespace Caisson.Linux;

/// <summary>Which halves of a connection to shut down.</summary>
public enum ShutdownSide
{
    /// <summary>No more reading.</summary>
    Read = 0,

    /// <summary>No more writing: the peer reads the end of the stream.</summary>
    Write = 1,

    /// <summary>Neither.</summary>
    Both = 2,
}

/// <summary>What sockets of every family have in common. Blocking unless something made them otherwise.</summary>
public abstract unsafe class StreamSocket : FileDescriptor
{
    /// <summary>Enough for the longest burst of connections that one sandbox sees.</summary>
    protected const int DefaultBacklog = 128;

    /// <summary>Reads once.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <returns>The count; 0 at the end of the stream.</returns>
    public int Read(Span<byte> buffer) => PatientIo.Read(this, buffer);

    /// <summary>Writes all bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Write(ReadOnlySpan<byte> bytes) => PatientIo.WriteAll(this, bytes);

    /// <summary>Shuts down one or both directions.</summary>
    /// <param name="side">Which.</param>
    public void Shutdown(ShutdownSide side) => Libc.Check(Libc.shutdown(Number, (int)side), "shutdown");

    /// <summary>Shuts down one or both directions; ENOTCONN where the peer is gone.</summary>
    /// <param name="side">Which.</param>
    /// <param name="why">The error.</param>
    public bool TryShutdown(ShutdownSide side, out Errno why)
    {
        bool done = Libc.shutdown(Number, (int)side) == 0;
        why = done ? Errno.None : Libc.LastError;
        return done;
    }

    internal void Open(int domain, int type) =>
        Adopt(Libc.Check(Libc.socket(domain, type | Libc.SOCK_CLOEXEC, 0), "socket"));

    internal void Bind(ReadOnlySpan<byte> address, string name)
    {
        fixed (byte* start = address)
        {
            // SAFETY: the address is pinned for the call, with its own length.
            Libc.Check(Libc.bind(Number, start, (uint)address.Length), $"bind({name})");
        }
    }

    internal void Listen(int backlog, string name) => Libc.Check(Libc.listen(Number, backlog), $"listen({name})");

    // An interrupted connect(2) goes on by itself; a second call would answer EALREADY. So it is waited for, and its result asked.
    internal void Connect(ReadOnlySpan<byte> address, string name)
    {
        int result;
        fixed (byte* start = address)
        {
            // SAFETY: the address is pinned for the call, with its own length.
            result = Libc.connect(Number, start, (uint)address.Length);
        }

        Errno why = result < 0 ? Libc.LastError : Errno.None;
        if (why is Errno.EINTR or Errno.EINPROGRESS)
        {
            Poller.Wait(this, PollEvents.Out, Timeout.InfiniteTimeSpan);
            why = PendingError();
        }

        if (why != Errno.None)
        {
            throw new SyscallException($"connect({name})", why);
        }
    }

    internal Errno PendingError()
    {
        int error = 0;
        uint size = sizeof(int);
        // SAFETY: the kernel writes one int into this local.
        Libc.Check(Libc.getsockopt(Number, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &size), "getsockopt(SO_ERROR)");
        return (Errno)error;
    }

    internal bool TryAccept(FileDescriptor connection, byte* address, uint* length, out Errno why)
    {
        int number;
        do
        {
            // SAFETY: address and length are null, or the caller's own buffer and its size.
            number = Libc.accept4(Number, address, length, Libc.SOCK_CLOEXEC);
        }
        while (number < 0 && Libc.LastError is Errno.EINTR or Errno.ECONNABORTED);
        why = number < 0 ? Libc.LastError : Errno.None;
        if (number >= 0)
        {
            connection.Adopt(number);
        }

        return number >= 0;
    }
}
