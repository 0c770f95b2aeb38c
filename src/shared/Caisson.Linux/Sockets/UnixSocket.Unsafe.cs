using System.Diagnostics.CodeAnalysis;

namespace Caisson.Linux;

/// <summary>Kinds of unix(7) sockets.</summary>
public enum UnixSocketKind
{
    /// <summary>A stream of bytes.</summary>
    Stream = 1,

    /// <summary>Whole messages without a connection.</summary>
    Datagram = 2,

    /// <summary>A connection of whole messages.</summary>
    SeqPacket = 5,
}

/// <summary>Who is at the other end of a unix socket, as the kernel recorded it when the connection was made.</summary>
/// <param name="Pid">The peer's pid in the caller's pid namespace; 0 when it has none there.</param>
/// <param name="Uid">Its effective user.</param>
/// <param name="Gid">Its effective group.</param>
public readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid);

/// <summary>A unix(7) socket: listening, connected, or one of a pair. Paths may be longer than 107 bytes.</summary>
public sealed unsafe partial class UnixSocket : StreamSocket
{
    /// <summary>An empty owner.</summary>
    public UnixSocket()
    {
    }

    /// <summary>The credentials of the process that connected, listened, or made the pair.</summary>
    public PeerCredentials Peer
    {
        get
        {
            Libc.Ucred peer = default;
            uint size = (uint)sizeof(Libc.Ucred);
            // SAFETY: the kernel writes at most the given size into this local.
            Libc.Check(Libc.getsockopt(Number, Libc.SOL_SOCKET, Libc.SO_PEERCRED, &peer, &size), "getsockopt(SO_PEERCRED)");
            return new PeerCredentials(peer.Pid, peer.Uid, peer.Gid);
        }
    }

    /// <summary>Takes ownership of an inherited or received socket.</summary>
    /// <param name="number">A valid unix socket that nothing else owns.</param>
    public static UnixSocket FromNumber(int number)
    {
        var socket = new UnixSocket();
        socket.Adopt(number);
        return socket;
    }

    /// <summary>Binds a path, which must not exist, and listens.</summary>
    /// <param name="path">The path; of any length.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="backlog">How many connections may wait.</param>
    public static UnixSocket Listen(string path, UnixSocketKind kind = UnixSocketKind.Stream, int backlog = DefaultBacklog)
    {
        using UnixAddress address = UnixAddress.Of(path);
        return Made(kind, socket =>
        {
            socket.Bind(address.Bytes, path);
            socket.Listen(backlog, path);
        });
    }

    /// <summary>Binds a path, which must not exist, for messages from anybody who reaches it.</summary>
    /// <param name="path">The path; of any length.</param>
    public static UnixSocket Bind(string path)
    {
        using UnixAddress address = UnixAddress.Of(path);
        return Made(UnixSocketKind.Datagram, socket => socket.Bind(address.Bytes, path));
    }

    /// <summary>Connects.</summary>
    /// <param name="path">The listener's path; of any length, or an abstract name after an @.</param>
    /// <param name="kind">The kind.</param>
    public static UnixSocket Connect(string path, UnixSocketKind kind = UnixSocketKind.Stream)
    {
        using UnixAddress address = UnixAddress.Of(path);
        return Made(kind, socket => socket.Connect(address.Bytes, path));
    }

    /// <summary>Connects; ENOENT and ECONNREFUSED where nobody listens.</summary>
    /// <param name="path">The listener's path; of any length.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="why">The error.</param>
    public static bool TryConnect(string path, [NotNullWhen(true)] out UnixSocket? connection, out Errno why)
    {
        try
        {
            connection = Connect(path);
            why = Errno.None;
            return true;
        }
        catch (SyscallException refused)
        {
            connection = null;
            why = refused.Errno;
            return false;
        }
    }

    /// <summary>Two sockets connected with each other.</summary>
    /// <param name="kind">The kind.</param>
    public static (UnixSocket First, UnixSocket Second) Pair(UnixSocketKind kind = UnixSocketKind.Stream)
    {
        var first = new UnixSocket();
        var second = new UnixSocket();
        int* pair = stackalloc int[2];
        // SAFETY: the kernel writes two ints into this frame's buffer of two.
        Libc.Check(Libc.socketpair(Libc.AF_UNIX, (int)kind | Libc.SOCK_CLOEXEC, 0, pair), "socketpair");
        first.Adopt(pair[0]);
        second.Adopt(pair[1]);
        return (first, second);
    }

    /// <summary>Waits for a connection.</summary>
    public UnixSocket Accept()
    {
        UnixSocket? connection;
        Errno why;
        while (!TryAccept(out connection, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("accept", why);
            }

            Poller.Wait(this, PollEvents.In, Timeout.InfiniteTimeSpan);
        }

        return connection;
    }

    /// <summary>Takes a waiting connection; EAGAIN where a non-blocking listener has none.</summary>
    /// <param name="connection">The connection, which is blocking.</param>
    /// <param name="why">The error.</param>
    public bool TryAccept([NotNullWhen(true)] out UnixSocket? connection, out Errno why)
    {
        var accepted = new UnixSocket();
        bool done = TryAccept(accepted, null, null, out why);
        connection = done ? accepted : null;
        return done;
    }

    private static UnixSocket Made(UnixSocketKind kind, Action<UnixSocket> finish)
    {
        var socket = new UnixSocket();
        socket.Open(Libc.AF_UNIX, (int)kind);
        try
        {
            finish(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
