using System.Runtime.InteropServices;

namespace Caisson.Linux;

// unshare(2), setns(2), ioctl(2) with a number as its argument.
internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setns(FileDescriptor fd, int kinds);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ioctl(FileDescriptor fd, ulong request, nint argument);
}
