using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>A netlink(7) socket bound to a protocol and to multicast groups, in the network namespace of the thread that made it.</summary>
internal sealed unsafe class NetlinkSocket : FileDescriptor
{
    internal const int Route = 0;
    internal const int KernelEvents = 15;

    private const int AddressBytes = 12; // struct sockaddr_nl
    private const int SolNetlink = 270;
    private const int CapAcknowledge = 10;
    private const int ExtendedAcknowledge = 11;

    public NetlinkSocket()
    {
    }

    internal static NetlinkSocket Open(int protocol, uint groups)
    {
        var socket = new NetlinkSocket();
        socket.Adopt(Libc.Check(Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, protocol), "socket(netlink)"));
        byte* address = stackalloc byte[AddressBytes];
        new Span<byte>(address, AddressBytes).Clear();
        *(ushort*)address = Libc.AF_NETLINK;
        *(uint*)(address + 8) = groups;
        // SAFETY: the address is this frame's 12 bytes, the size of struct sockaddr_nl.
        if (Libc.bind(socket.Number, address, AddressBytes) < 0)
        {
            Errno why = Libc.LastError;
            socket.Dispose();
            throw new SyscallException("bind(netlink)", why);
        }

        return socket;
    }

    /// <summary>Asks for errors in words, and without a copy of the request. Kernels before 4.12 do not know these, and need not.</summary>
    internal void AskForWords()
    {
        TrySetOption(SolNetlink, CapAcknowledge, 1);
        TrySetOption(SolNetlink, ExtendedAcknowledge, 1);
    }

    internal bool TrySetOption(int level, int option, int value) =>
        // SAFETY: the option's value is this frame's int, and its size is given.
        Libc.setsockopt(Number, level, option, &value, sizeof(int)) == 0;

    /// <summary>Receives one datagram and who sent it: 0 is the kernel.</summary>
    internal bool TryReceive(Span<byte> buffer, bool wait, out int length, out uint sender, out Errno why)
    {
        byte* address = stackalloc byte[AddressBytes];
        uint addressLength;
        nint result;
        do
        {
            addressLength = AddressBytes;
            fixed (byte* start = buffer)
            {
                // SAFETY: the buffer is pinned for the call; the address is this frame's, with its size.
                result = Libc.recvfrom(Number, start, (nuint)buffer.Length, wait ? 0 : Libc.MSG_DONTWAIT, address, &addressLength);
            }
        }
        while (result < 0 && Libc.LastError == Errno.EINTR);
        why = result < 0 ? Libc.LastError : Errno.None;
        length = (int)Math.Max(result, 0);
        sender = result < 0 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(address + 4, 4));
        return result >= 0;
    }
}

internal static unsafe partial class Libc
{
    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recvfrom(int fd, byte* buffer, nuint length, int flags, byte* address, uint* addressLength);
}
