using System.Text;

namespace Caisson.Linux;

/// <summary>Interfaces whose packets are read and written by a descriptor (tuntap.rst).</summary>
public static unsafe class NetworkDevices
{
    private const int RequestBytes = 40; // struct ifreq of x86-64
    private const int NameBytes = 16; // IFNAMSIZ
    private const int TunSetInterface = 0x400454CA; // TUNSETIFF

    /// <summary>Opens a TUN or TAP interface, making it where it does not exist. It goes with its last descriptor.</summary>
    /// <param name="name">Its name; a pattern such as <c>tap%d</c> lets the kernel choose.</param>
    /// <param name="options">What kind, and how packets look.</param>
    /// <param name="actualName">Its name.</param>
    public static FileFd OpenTap(string name, TapOptions options, out string actualName)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Encoding.UTF8.GetByteCount(name) >= NameBytes)
        {
            throw new SyscallException($"interface name \"{name}\": at most {NameBytes - 1} bytes", Errno.EINVAL);
        }

        const int ReadWrite = 0x80002; // O_RDWR | O_CLOEXEC
        var tap = new FileFd();
        tap.Adopt(Libc.Check(Libc.open_path("/dev/net/tun", ReadWrite), "open(/dev/net/tun)"));
        byte* request = stackalloc byte[RequestBytes];
        new Span<byte>(request, RequestBytes).Clear();
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, NameBytes));
        *(short*)(request + NameBytes) = (short)options;
        // SAFETY: the request is this frame's 40 bytes, the size of struct ifreq.
        if (Libc.syscall(Libc.SYS_ioctl, tap.Number, TunSetInterface, (long)request) < 0)
        {
            Errno why = Libc.LastError;
            tap.Dispose();
            throw new SyscallException($"ioctl(TUNSETIFF {name})", why);
        }

        actualName = Encoding.UTF8.GetString(new ReadOnlySpan<byte>(request, NameBytes).TrimEnd((byte)0));
        return tap;
    }
}

/// <summary>IFF_* of linux/if_tun.h.</summary>
[Flags]
public enum TapOptions
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Packets of IP.</summary>
    Tun = 0x1,

    /// <summary>Frames of Ethernet.</summary>
    Tap = 0x2,

    /// <summary>Several queues, each opened by a call of its own.</summary>
    MultiQueue = 0x100,

    /// <summary>Packets without a header of flags and protocol.</summary>
    NoPacketInformation = 0x1000,

    /// <summary>Packets with a virtio-net header in front, which offloads need.</summary>
    VirtioHeader = 0x4000,
}
