namespace Caisson.Linux;

public sealed partial class VsockSocket
{
    /// <summary>Waits on the loop for a connection. The listener becomes non-blocking.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<(VsockSocket Connection, VsockAddress Peer)> AcceptAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        PatientIo.SetNonBlocking(this);
        VsockSocket? connection;
        VsockAddress peer;
        Errno why;
        while (!TryAccept(out connection, out peer, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("accept(vsock)", why);
            }

            await loop.Ready(this, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return (connection, peer);
    }
}
