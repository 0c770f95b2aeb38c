using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Caisson.Linux;

/// <summary>
/// The C library's and the kernel's entry points; one file for each group of man pages.
/// Functions that return a descriptor are imported as <c>int</c>, never as a SafeHandle: the marshaller would read 64 bits of a 32-bit result.
/// </summary>
internal static partial class Libc
{
    /// <summary>The errno of the last import with <c>SetLastError</c> on this thread.</summary>
    internal static Errno LastError => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>Returns a non-negative result, and throws for a negative one.</summary>
    internal static int Check(int result, string call) =>
        result >= 0 ? result : throw new SyscallException(call, LastError);

    /// <inheritdoc cref="Check(int, string)"/>
    internal static long Check(long result, string call) =>
        result >= 0 ? result : throw new SyscallException(call, LastError);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);
}
