using System.Buffers.Binary;
using System.Text;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>One end of the socket between init and its creator. A failure that arrives is thrown as the exception it was at the other end.</summary>
internal sealed class InitChannel : IDisposable
{
    // One kind, four bytes of errno, and text: a hook's stderr tail is the longest part.
    internal const int MaxMessageBytes = 32 * 1024;
    private const int HeaderBytes = 5;
    private readonly UnixSocket _socket;
    private byte[]? _buffer;

    internal InitChannel(UnixSocket socket) => _socket = socket;

    /// <summary>Where warnings of the other end go.</summary>
    internal Action<string>? OnWarning { get; init; }

    internal FileDescriptor Descriptor => _socket;

    internal static (InitChannel Creator, InitChannel Init) Pair(Action<string>? onWarning)
    {
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair(UnixSocketKind.SeqPacket);
        return (new InitChannel(first) { OnWarning = onWarning }, new InitChannel(second));
    }

    /// <exception cref="ContainerException">The other end is gone; what it said before comes first.</exception>
    internal void Send(InitMessageKind kind, params ReadOnlySpan<FileDescriptor> descriptors)
    {
        if (!_socket.TrySendMessage([(byte)kind], descriptors, out _, out Errno why))
        {
            throw ReasonOfDeath() ?? ContainerException.Because($"container init: send {kind}", why);
        }
    }

    internal void SendNumber(InitMessageKind kind, int number, params ReadOnlySpan<FileDescriptor> descriptors)
    {
        Span<byte> message = stackalloc byte[HeaderBytes];
        message[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(message[1..], number);
        if (descriptors.IsEmpty)
        {
            // write(2) and not sendmsg(2): a seccomp filter with a listener is told of by this call, and write is the one that may not be trapped.
            _socket.Write(message);
        }
        else
        {
            _socket.SendMessage(message, descriptors);
        }
    }

    /// <summary>Tells the creator why init ends; nobody listening is no further harm.</summary>
    internal void SendFailure(Errno errno, string text) => TrySendText(InitMessageKind.Failed, (int)errno, text);

    internal void SendWarning(string text) => TrySendText(InitMessageKind.Warning, 0, text);

    /// <summary>Waits for one kind of message.</summary>
    internal ReceivedInitMessage Expect(InitMessageKind kind)
    {
        ReceivedInitMessage message = Receive();
        return message.Kind == kind ? message : throw Unexpected(message, kind.ToString());
    }

    /// <summary>Waits until the other end has closed its socket: an exec has happened.</summary>
    internal void ExpectEnd()
    {
        if (TryReceive(out ReceivedInitMessage message))
        {
            throw Unexpected(message, "the end");
        }
    }

    /// <summary>Waits for any message but failures and warnings.</summary>
    /// <exception cref="ContainerException">The other end failed or is gone.</exception>
    internal ReceivedInitMessage Receive() =>
        TryReceive(out ReceivedInitMessage message)
            ? message
            : throw new ContainerException("container init exited before it was ready (was it killed?)", Errno.EPIPE);

    /// <summary>As <see cref="Receive"/>; false at the end of the conversation.</summary>
    internal bool TryReceive(out ReceivedInitMessage message)
    {
        // Kept, and not cleared: a message is a few bytes as a rule, and memory that nobody touches costs nothing.
        byte[] buffer = _buffer ??= GC.AllocateUninitializedArray<byte>(MaxMessageBytes);
        while (true)
        {
            ReceivedMessage received = ReceiveOrEnd(buffer);
            if (received.Length == 0)
            {
                message = default;
                return false;
            }

            message = Decode(buffer.AsSpan(0, received.Length), received.Descriptors);
            switch (message.Kind)
            {
                case InitMessageKind.Warning:
                    OnWarning?.Invoke(message.Text);
                    continue;
                case InitMessageKind.Failed:
                    throw new ContainerException(message.Text, (Errno)message.Number);
                default:
                    return true;
            }
        }
    }

    private ReceivedMessage ReceiveOrEnd(byte[] buffer)
    {
        Interruption.AwaitReadable(_socket);
        // One descriptor at most: a pidfd or a seccomp listener.
        bool received = _socket.TryReceiveMessage(buffer, maxDescriptors: 1, out ReceivedMessage message, out Errno why);
        if (!received && why == Errno.ECONNRESET)
        {
            // The peer has closed with something of ours unread. That is told once, before what it sent; then the queue, then the end.
            received = _socket.TryReceiveMessage(buffer, maxDescriptors: 1, out message, out why);
        }

        return received ? message
            : why == Errno.ECONNRESET ? default
            : throw new SyscallException("recvmsg(container init)", why);
    }

    // A failed send means that the peer has closed; what it sent before is still in our queue.
    private ContainerException? ReasonOfDeath()
    {
        try
        {
            while (TryReceive(out _))
            {
            }

            return null;
        }
        catch (ContainerException reason)
        {
            return reason;
        }
    }

    private void TrySendText(InitMessageKind kind, int number, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] message = new byte[HeaderBytes + Math.Min(utf8.Length, MaxMessageBytes - HeaderBytes)];
        message[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(1), number);
        utf8.AsSpan(0, message.Length - HeaderBytes).CopyTo(message.AsSpan(HeaderBytes));
        _ = _socket.TrySendMessage(message, [], out _, out _);
    }

    private static ReceivedInitMessage Decode(ReadOnlySpan<byte> message, IReadOnlyList<FileFd> descriptors) => new(
        (InitMessageKind)message[0],
        message.Length >= HeaderBytes ? BinaryPrimitives.ReadInt32LittleEndian(message[1..]) : 0,
        message.Length > HeaderBytes ? Encoding.UTF8.GetString(message[HeaderBytes..]) : "",
        descriptors.Count > 0 ? descriptors[0] : null);

    private static ContainerException Unexpected(ReceivedInitMessage message, string wanted) =>
        new($"container init: got {message.Kind} where {wanted} was due", Errno.EPROTO);

    public void Dispose() => _socket.Dispose();
}

/// <summary>A message of the other end.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Number">A pid or an errno.</param>
/// <param name="Text">A failure's or a warning's words.</param>
/// <param name="Descriptor">A descriptor that came with it; the receiver owns it.</param>
internal readonly record struct ReceivedInitMessage(InitMessageKind Kind, int Number, string Text, FileFd? Descriptor);
