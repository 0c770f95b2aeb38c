using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// Random bytes from the kernel (getrandom(2)). The class library's generator is not used: it loads OpenSSL at run time, which a static
/// executable cannot.
/// </summary>
public static class KernelRandom
{
    // getrandom(2): requests up to this size are never cut short and never interrupted once the pool is ready.
    private const int MaxRequest = 256;

    /// <summary>Unguessable bytes.</summary>
    /// <param name="count">How many; at most 256.</param>
    public static byte[] Bytes(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxRequest);
        byte[] bytes = new byte[count];
        while (true)
        {
            nint filled = Libc.getrandom(bytes, (nuint)count, 0);
            if (filled == count)
            {
                return bytes;
            }

            // EINTR only while the pool is not ready, early in a boot.
            if (filled < 0 && Libc.LastError != Errno.EINTR)
            {
                throw new SyscallException("getrandom", Libc.LastError);
            }
        }
    }

    /// <summary>Random bytes as lower-case hexadecimal digits, for names.</summary>
    /// <param name="byteCount">How many bytes; the text has twice as many digits.</param>
    public static string Hex(int byteCount) => Convert.ToHexStringLower(Bytes(byteCount));
}

internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint getrandom([Out] byte[] buffer, nuint length, uint flags);
}
