using System.Net;

namespace Caisson.Linux;

public sealed partial class InternetSocket
{
    /// <summary>Connects, waiting on the loop. The connection is non-blocking.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="port">The port.</param>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<InternetSocket> ConnectAsync(IPAddress address, ushort port, EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        InternetSocket socket = Made(address, Libc.SOCK_STREAM);
        try
        {
            Errno why = socket.BeginConnect(address, port);
            if (why == Errno.EINPROGRESS)
            {
                await loop.Ready(socket, PollEvents.Out, cancellationToken).ConfigureAwait(false);
                why = socket.PendingError();
            }

            return why == Errno.None ? socket : throw new SyscallException($"connect({address} port {port})", why);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
