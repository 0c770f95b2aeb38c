namespace Caisson.Linux;

public sealed partial class UnixSocket
{
    /// <summary>Waits on the loop for a connection. The listener becomes non-blocking.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<UnixSocket> AcceptAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        PatientIo.SetNonBlocking(this);
        UnixSocket? connection;
        Errno why;
        while (!TryAccept(out connection, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("accept", why);
            }

            await loop.Ready(this, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return connection;
    }

    /// <summary>Waits on the loop for bytes and descriptors. The socket becomes non-blocking.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="maxDescriptors">How many descriptors are acceptable.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<ReceivedMessage> ReceiveMessageAsync(EventLoop loop, Memory<byte> buffer, int maxDescriptors, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        PatientIo.SetNonBlocking(this);
        ReceivedMessage message;
        Errno why;
        while (!TryReceiveMessage(buffer.Span, maxDescriptors, out message, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("recvmsg", why);
            }

            await loop.Ready(this, PollEvents.In, cancellationToken).ConfigureAwait(false);
        }

        return message;
    }
}
