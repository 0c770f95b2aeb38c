namespace Caisson.Linux;

/// <summary>An epoll(7) instance.</summary>
internal sealed unsafe class EpollFd : FileDescriptor
{
    public EpollFd()
    {
    }

    internal static EpollFd Create()
    {
        var epoll = new EpollFd();
        epoll.Adopt(Libc.Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1"));
        return epoll;
    }

    /// <summary>Arms a descriptor for one report. EPERM: a regular file or directory, which is always ready.</summary>
    internal bool TryArm(int number, PollEvents wanted, out Errno why)
    {
        var interest = new Libc.EpollEvent { Events = (uint)wanted | Libc.EPOLLONESHOT, Tag = (ulong)number };
        why = Errno.None;
        if (Libc.epoll_ctl(Number, Libc.EPOLL_CTL_MOD, number, ref interest) == 0)
        {
            return true;
        }

        why = Libc.LastError;
        if (why == Errno.ENOENT)
        {
            why = Libc.epoll_ctl(Number, Libc.EPOLL_CTL_ADD, number, ref interest) == 0 ? Errno.None : Libc.LastError;
        }

        return why == Errno.None;
    }

    internal int Wait(Span<Libc.EpollEvent> happened)
    {
        while (true)
        {
            int count;
            fixed (Libc.EpollEvent* start = happened)
            {
                // SAFETY: the span is pinned for the call, and its own length is the limit.
                count = Libc.epoll_wait(Number, start, happened.Length, -1);
            }

            if (count >= 0)
            {
                return count;
            }

            if (Libc.LastError != Errno.EINTR)
            {
                throw new SyscallException("epoll_wait", Libc.LastError);
            }
        }
    }

    /// <summary>Watches a descriptor for changes, for as long as it is open.</summary>
    internal void AddEdge(int number, PollEvents wanted)
    {
        var interest = new Libc.EpollEvent { Events = (uint)wanted | Libc.EPOLLET, Tag = (ulong)number };
        Libc.Check(Libc.epoll_ctl(Number, Libc.EPOLL_CTL_ADD, number, ref interest), $"epoll_ctl({number})");
    }

    /// <summary>Takes one report without waiting.</summary>
    internal bool TryTakeAny()
    {
        Libc.EpollEvent happened;
        int count;
        do
        {
            // SAFETY: the kernel writes at most one event, which this local is.
            count = Libc.epoll_wait(Number, &happened, 1, 0);
        }
        while (count < 0 && Libc.LastError == Errno.EINTR);
        return Libc.Check(count, "epoll_wait") > 0;
    }
}
