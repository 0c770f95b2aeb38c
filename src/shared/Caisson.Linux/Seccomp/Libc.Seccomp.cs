using System.Runtime.InteropServices;

namespace Caisson.Linux;

// seccomp(2).
internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long seccomp(long number, uint operation, uint flags, nint arguments);
}
