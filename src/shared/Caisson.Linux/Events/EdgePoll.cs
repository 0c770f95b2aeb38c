namespace Caisson.Linux;

/// <summary>
/// Tells of changes instead of states: an epoll instance that watches one descriptor edge-triggered, and can itself be awaited.
/// For descriptors that are "ready" for hours without there being anything to do, as a virtio-serial port without a host is.
/// </summary>
public sealed class EdgePoll : IDisposable
{
    private readonly EpollFd _epoll;

    private EdgePoll(EpollFd epoll) => _epoll = epoll;

    /// <summary>Watches a descriptor, which must stay open meanwhile. The first wait returns at once.</summary>
    /// <param name="descriptor">What to watch.</param>
    /// <param name="events">For which events.</param>
    public static EdgePoll Of(FileDescriptor descriptor, PollEvents events)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        var epoll = EpollFd.Create();
        epoll.AddEdge(descriptor.Number, events);
        return new EdgePoll(epoll);
    }

    /// <summary>Waits until something has changed since the last wait.</summary>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        do
        {
            await loop.Ready(_epoll, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }
        while (!_epoll.TryTakeAny());
    }

    /// <inheritdoc/>
    public void Dispose() => _epoll.Dispose();
}
