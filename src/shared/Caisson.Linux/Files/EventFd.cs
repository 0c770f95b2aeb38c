using System.Buffers.Binary;

namespace Caisson.Linux;

/// <summary>An eventfd(2) counter: a doorbell between threads or processes.</summary>
public sealed class EventFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public EventFd()
    {
    }

    /// <summary>A counter at zero.</summary>
    public static EventFd Create(bool nonBlocking = true)
    {
        var doorbell = new EventFd();
        OpenFlags flags = OpenFlags.O_CLOEXEC | (nonBlocking ? OpenFlags.O_NONBLOCK : 0);    // EFD_* have the values of O_*
        doorbell.Adopt(Libc.Check(Libc.eventfd(0, (int)flags), "eventfd"));
        return doorbell;
    }

    /// <summary>Adds one; wakes whoever polls.</summary>
    public void Ring()
    {
        Span<byte> one = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(one, 1);
        this.WriteAll(one);
    }

    /// <summary>Takes the count and resets it; false when it was zero and the descriptor is non-blocking.</summary>
    public bool TryTake(out ulong count)
    {
        Span<byte> value = stackalloc byte[8];
        if (!this.TryRead(value, out _, out Errno why))
        {
            count = 0;
            return why == Errno.EAGAIN ? false : throw new SyscallException("read(eventfd)", why);
        }

        count = BinaryPrimitives.ReadUInt64LittleEndian(value);
        return true;
    }
}
