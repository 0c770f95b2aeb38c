namespace Caisson.Linux;

/// <summary>A message of a unix socket, and the descriptors that came with it, which the receiver owns.</summary>
/// <param name="Length">How many bytes came; 0 at the end of the stream.</param>
/// <param name="Descriptors">The descriptors, close-on-exec.</param>
public readonly record struct ReceivedMessage(int Length, IReadOnlyList<FileFd> Descriptors);

public sealed unsafe partial class UnixSocket
{
    /// <summary>SCM_MAX_FD of the kernel: no message carries more descriptors.</summary>
    public const int MaxDescriptorsPerMessage = 253;

    // struct cmsghdr: the length as size_t, level and type as int. CMSG_ALIGN is to 8 bytes.
    private const int ControlHeaderBytes = 16;
    private const int ControlBytes = ControlHeaderBytes + ((MaxDescriptorsPerMessage * sizeof(int)) + 7 & ~7);

    /// <summary>Sends bytes, at least one, and descriptors with the first of them.</summary>
    /// <param name="bytes">The bytes. A stream sends all of them, in several calls if it must.</param>
    /// <param name="descriptors">The descriptors; they stay the caller's.</param>
    public void SendMessage(ReadOnlySpan<byte> bytes, params ReadOnlySpan<FileDescriptor> descriptors)
    {
        int sent;
        Errno why;
        while (!TrySendMessage(bytes, descriptors, out sent, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("sendmsg", why);
            }

            Poller.Wait(this, PollEvents.Out, Timeout.InfiniteTimeSpan);
        }

        if (sent < bytes.Length)
        {
            Write(bytes[sent..]);
        }
    }

    /// <summary>Sends bytes, at least one, and descriptors, in one call; EAGAIN where a non-blocking socket is full.</summary>
    /// <param name="bytes">The bytes; on a stream only a part may be sent.</param>
    /// <param name="descriptors">The descriptors; they stay the caller's.</param>
    /// <param name="sent">How many bytes were sent; the descriptors went with them.</param>
    /// <param name="why">The error.</param>
    public bool TrySendMessage(ReadOnlySpan<byte> bytes, ReadOnlySpan<FileDescriptor> descriptors, out int sent, out Errno why)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxDescriptorsPerMessage);
        byte* control = stackalloc byte[ControlBytes];
        nint result;
        fixed (byte* start = bytes)
        {
            var vector = new Libc.IoVector { Start = start, Length = (nuint)bytes.Length };
            var header = new Libc.MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                header.Control = control;
                header.ControlLength = FillRights(control, descriptors);
            }

            // SAFETY: all buffers are this frame's or pinned, and the control area was checked to hold that many descriptors.
            do
            {
                result = Libc.sendmsg(Number, &header, Libc.MSG_NOSIGNAL);
            }
            while (result < 0 && Libc.LastError == Errno.EINTR);
        }

        why = result < 0 ? Libc.LastError : Errno.None;
        sent = result < 0 ? 0 : (int)result;
        foreach (FileDescriptor descriptor in descriptors)
        {
            GC.KeepAlive(descriptor);
        }

        return result >= 0;
    }

    /// <summary>Receives bytes and the descriptors that came with them.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="maxDescriptors">How many descriptors are acceptable; more, or a message that the kernel cut, is EMSGSIZE and everything is closed.</param>
    public ReceivedMessage ReceiveMessage(Span<byte> buffer, int maxDescriptors)
    {
        ReceivedMessage message;
        Errno why;
        while (!TryReceiveMessage(buffer, maxDescriptors, out message, out why))
        {
            if (why != Errno.EAGAIN)
            {
                throw new SyscallException("recvmsg", why);
            }

            Poller.Wait(this, PollEvents.In, Timeout.InfiniteTimeSpan);
        }

        return message;
    }

    /// <summary>Receives in one call; EAGAIN where a non-blocking socket is empty, EMSGSIZE where too much came.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="maxDescriptors">How many descriptors are acceptable.</param>
    /// <param name="message">What came.</param>
    /// <param name="why">The error.</param>
    public bool TryReceiveMessage(Span<byte> buffer, int maxDescriptors, out ReceivedMessage message, out Errno why)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxDescriptors, MaxDescriptorsPerMessage);
        byte* control = stackalloc byte[ControlBytes];
        var header = new Libc.MessageHeader { VectorCount = 1, Control = control, ControlLength = ControlBytes };
        nint result;
        fixed (byte* start = buffer)
        {
            var vector = new Libc.IoVector { Start = start, Length = (nuint)buffer.Length };
            header.Vectors = &vector;
            do
            {
                // SAFETY: all buffers are this frame's or pinned, with their own lengths.
                result = Libc.recvmsg(Number, &header, Libc.MSG_CMSG_CLOEXEC);
            }
            while (result < 0 && Libc.LastError == Errno.EINTR);
        }

        message = default;
        why = result < 0 ? Libc.LastError : Errno.None;
        if (result < 0)
        {
            return false;
        }

        List<FileFd> received = TakeRights(control, (int)header.ControlLength);
        if ((header.Flags & (Libc.MSG_CTRUNC | Libc.MSG_TRUNC)) != 0 || received.Count > maxDescriptors)
        {
            received.ForEach(descriptor => descriptor.Dispose());
            why = Errno.EMSGSIZE;
            return false;
        }

        message = new ReceivedMessage((int)result, received);
        return true;
    }

    private static nuint FillRights(byte* control, ReadOnlySpan<FileDescriptor> descriptors)
    {
        // SAFETY: the caller's buffer has room for MaxDescriptorsPerMessage numbers, which the count was checked against.
        int length = ControlHeaderBytes + (descriptors.Length * sizeof(int));
        *(nuint*)control = (nuint)length;
        *(int*)(control + 8) = Libc.SOL_SOCKET;
        *(int*)(control + 12) = Libc.SCM_RIGHTS;
        for (int i = 0; i < descriptors.Length; i++)
        {
            ((int*)(control + ControlHeaderBytes))[i] = descriptors[i].Number;
        }

        return (nuint)(length + 7 & ~7);
    }

    // Every number is adopted before anything is judged: what is not owned would leak.
    private static List<FileFd> TakeRights(byte* control, int length)
    {
        var received = new List<FileFd>();
        int offset = 0;
        while (length - offset >= ControlHeaderBytes)
        {
            // SAFETY: at least a header is left of what the kernel filled; the entry's own length is checked before it is used.
            byte* entry = control + offset;
            int entryLength = (int)Math.Min(*(nuint*)entry, (nuint)(length - offset));
            if (entryLength < ControlHeaderBytes)
            {
                break;
            }

            if (*(int*)(entry + 8) == Libc.SOL_SOCKET && *(int*)(entry + 12) == Libc.SCM_RIGHTS)
            {
                int count = (entryLength - ControlHeaderBytes) / sizeof(int);
                for (int i = 0; i < count; i++)
                {
                    received.Add(FileFd.FromNumber(((int*)(entry + ControlHeaderBytes))[i]));
                }
            }

            offset += entryLength + 7 & ~7;
        }

        return received;
    }
}
