using System.Runtime.InteropServices;

namespace Caisson.Linux;

// rt_sigaction(2), rt_sigprocmask(2), kill(2), signalfd(2).
internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long rt_sigaction(long number, int signal, in KernelSignalAction action, nint old, nuint size);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long rt_sigprocmask(long number, int how, in ulong mask, out ulong old, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long tgkill(long number, int processId, int threadId, int signal);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long signalfd4(long number, int fd, in ulong mask, nuint size, int flags);
}
