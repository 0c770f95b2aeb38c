namespace Caisson.Linux;

/// <summary>Events of poll(2) and epoll(7), whose numbers are the same.</summary>
[Flags]
public enum PollEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There is something to read, or the end of the stream.</summary>
    In = 0x1,

    /// <summary>Exceptional data; for files of the kernel: the content has changed.</summary>
    Priority = 0x2,

    /// <summary>Writing will not block.</summary>
    Out = 0x4,

    /// <summary>An error is pending. Always reported.</summary>
    Error = 0x8,

    /// <summary>The other side has hung up. Always reported.</summary>
    HangUp = 0x10,

    /// <summary>The descriptor is not open (poll only). Always reported.</summary>
    Invalid = 0x20,

    /// <summary>The peer of a stream socket has shut down its writing half.</summary>
    ReadHangUp = 0x2000,
}
