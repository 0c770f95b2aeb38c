using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>The loopback interface of the caller's network namespace. By ioctl: three system calls, where netlink needs more, on the path of every start.</summary>
public static unsafe class LoopbackInterface
{
    private const int AF_UNIX = 1;
    private const int SOCK_DGRAM = 2;
    private const int SOCK_CLOEXEC = 0x80000;
    private const ulong SIOCSIFFLAGS = 0x8914;
    private const short IFF_UP = 1;
    private const short IFF_RUNNING = 0x40;

    /// <summary>Sets it up: a new network namespace has it down.</summary>
    public static void BringUp()
    {
        var request = new InterfaceRequest { Flags = IFF_UP | IFF_RUNNING };
        "lo"u8.CopyTo(new Span<byte>(request.Name, InterfaceRequest.NameBytes));
        using var socket = new FileFd();
        socket.Adopt(Libc.Check(Libc.socket_any(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
        // SAFETY: struct ifreq is 40 bytes on x86-64, as InterfaceRequest, and the kernel only reads it here.
        Libc.Check(Libc.ioctl_interface(socket.Number, SIOCSIFFLAGS, &request), "ioctl(SIOCSIFFLAGS, lo)");
    }

    /// <summary>struct ifreq of net/if.h with the union's flags.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    internal struct InterfaceRequest
    {
        internal const int NameBytes = 16;
        internal fixed byte Name[NameBytes];
        internal short Flags;
    }
}

internal static unsafe partial class Libc
{
    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int socket_any(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_interface(int fd, ulong request, LoopbackInterface.InterfaceRequest* argument);
}
