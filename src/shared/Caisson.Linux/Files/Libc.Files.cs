using System.Runtime.InteropServices;

namespace Caisson.Linux;

// open(2), openat2(2), statx(2), mknod(2) and their relatives. Calls that glibc 2.36 has no name for go through syscall(2) with their number first.
internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int openat(FileDescriptor directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open_path(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long openat2(long number, FileDescriptor directory, string path, in OpenHow how, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(FileDescriptor fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int dup2(FileDescriptor fd, int number);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close_range(uint first, uint last, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int statx(FileDescriptor directory, string path, int flags, uint mask, out StatxBuffer buffer);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint readlinkat(FileDescriptor directory, string path, [Out] byte[] buffer, nuint size);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdirat(FileDescriptor directory, string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mknodat(FileDescriptor directory, string path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int symlinkat(string target, FileDescriptor directory, string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int unlinkat(FileDescriptor directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long renameat2(long number, FileDescriptor fromDirectory, string from, FileDescriptor toDirectory, string to, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int fchownat(FileDescriptor directory, string path, uint userId, uint groupId, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchmod(FileDescriptor fd, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int fchmodat(FileDescriptor directory, string path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ftruncate(FileDescriptor fd, long length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchdir(FileDescriptor fd);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chroot(string path);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long faccessat2(long number, FileDescriptor directory, string path, int wanted, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint read(FileDescriptor fd, Span<byte> buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint write(FileDescriptor fd, ReadOnlySpan<byte> buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int pipe2(Span<int> numbers, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint sendfile(FileDescriptor to, FileDescriptor from, nint offset, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fsync(FileDescriptor fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int flock(FileDescriptor fd, int operation);
}
