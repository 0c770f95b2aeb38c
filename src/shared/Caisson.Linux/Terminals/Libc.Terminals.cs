using System.Runtime.InteropServices;

namespace Caisson.Linux;

// ioctl_tty(2), one import for each shape of argument; setsid(2).
internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_int(FileDescriptor fd, ulong request, in int argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_out_int(FileDescriptor fd, ulong request, out int argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_getsize(FileDescriptor fd, ulong request, out WindowSize size);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_setsize(FileDescriptor fd, ulong request, in WindowSize size);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_getattr(FileDescriptor fd, ulong request, out TerminalAttributes attributes);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_setattr(FileDescriptor fd, ulong request, in TerminalAttributes attributes);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsid();
}
