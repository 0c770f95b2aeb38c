using System.Runtime.InteropServices;

namespace Caisson.Linux;

// capabilities(7), prctl(2), credentials(7), prlimit(2), keyctl(2), sched(7).
internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int capget(ref CapabilityHeader header, out CapabilityData data);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int capset(ref CapabilityHeader header, in CapabilityData data);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    internal static partial int prctl_bytes(int option, ReadOnlySpan<byte> a, nuint b, nuint c, nuint d);

    [LibraryImport("libc")]
    internal static partial uint geteuid();

    [LibraryImport("libc")]
    internal static partial uint getegid();

    [LibraryImport("libc")]
    internal static partial uint umask(uint mask);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long setresuid(long number, uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long setresgid(long number, uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long setgroups(long number, nuint count, ReadOnlySpan<uint> groups);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long prlimit_get(long number, int pid, int resource, nint fresh, out ResourceLimitPair old);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long prlimit_set(long number, int pid, int resource, in ResourceLimitPair fresh, nint old);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long keyctl_text(long number, int operation, string? name);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long keyctl_describe(long number, int operation, int serial, Span<byte> buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long keyctl(long number, int operation, int serial, uint permissions);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long sched_setattr(long number, int pid, in SchedulingAttributes attributes, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long set_mempolicy(long number, int mode, ReadOnlySpan<byte> nodes, nuint bits);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int sched_setscheduler(int pid, int policy, in int priority);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long ioprio_set(long number, int which, int who, int priority);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long sched_setaffinity(long number, int pid, nuint length, ReadOnlySpan<byte> mask);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int personality(nuint persona);

    // The kernel's brk answers the present break to an impossible request.
    [LibraryImport("libc", EntryPoint = "syscall")]
    internal static partial long brk(long number, nint address);
}
