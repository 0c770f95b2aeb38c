namespace Caisson.Linux;

/// <summary>Hears of changes to a network namespace's interfaces, addresses, routes and neighbours: that there were some, not which.</summary>
public sealed class RouteMonitor : IDisposable
{
    // RTMGRP_* of linux/rtnetlink.h: LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
    private const uint Groups = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400;

    private const int BufferBytes = 32 * 1024;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[BufferBytes];

    private RouteMonitor(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a monitor in the network namespace of the calling thread; it hears of every change from now on.</summary>
    public static RouteMonitor Open() => new(NetlinkSocket.Open(NetlinkSocket.Route, Groups));

    /// <summary>What to poll.</summary>
    public FileDescriptor Descriptor => _socket;

    /// <summary>Takes all that was told so far.</summary>
    /// <returns>Whether there was anything: lost messages count, because something happened then.</returns>
    public bool Drain()
    {
        bool any = false;
        while (true)
        {
            if (_socket.TryReceive(_buffer, wait: false, out _, out _, out Errno why) || why == Errno.ENOBUFS)
            {
                any = true;
            }
            else if (why == Errno.EAGAIN)
            {
                return any;
            }
            else
            {
                throw new SyscallException("recv(rtnetlink)", why);
            }
        }
    }

    /// <summary>Waits on the loop until something has changed.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask ChangedAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        while (!Drain())
        {
            await loop.Ready(_socket, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _socket.Dispose();
}
