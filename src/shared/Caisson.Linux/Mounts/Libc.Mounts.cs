using System.Runtime.InteropServices;

namespace Caisson.Linux;

// mount(2), open_tree(2), move_mount(2), mount_setattr(2), fsopen(2), pivot_root(2), statfs(2).
internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int umount2(string target, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long open_tree(long number, FileDescriptor directory, string path, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long move_mount(
        long number, FileDescriptor fromDirectory, string from, FileDescriptor toDirectory, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long mount_setattr(
        long number, FileDescriptor directory, string path, uint flags, in MountAttr attributes, nuint size);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long fsopen(long number, string type, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long fspick(long number, FileDescriptor directory, string path, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long fsconfig(long number, FileDescriptor context, uint command, string? key, string? value, int auxiliary);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long fsmount(long number, FileDescriptor context, uint flags, uint attributes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long pivot_root(long number, string newRoot, string putOld);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fstatfs(FileDescriptor fd, out StatfsBuffer buffer);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int statfs(string path, out StatfsBuffer buffer);
}
