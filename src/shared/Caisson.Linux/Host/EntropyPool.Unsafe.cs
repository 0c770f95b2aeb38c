namespace Caisson.Linux;

/// <summary>The kernel's source of random numbers.</summary>
public static unsafe class EntropyPool
{
    /// <summary>More than the pool can hold is refused: it keeps 256 bits.</summary>
    public const int MaxBytes = 4096;

    private const int AddEntropy = 0x40085203; // RNDADDENTROPY
    private const int HeaderBytes = 8; // struct rand_pool_info: bits, bytes

    /// <summary>Adds random bytes and counts all their bits as unpredictable.</summary>
    /// <param name="bytes">Bytes from a source that is believed.</param>
    public static void Add(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, MaxBytes);
        using FileFd device = FileCalls.Open("/dev/random", OpenFlags.O_WRONLY);
        byte* request = stackalloc byte[HeaderBytes + MaxBytes];
        *(int*)request = bytes.Length * 8;
        *(int*)(request + 4) = bytes.Length;
        bytes.CopyTo(new Span<byte>(request + HeaderBytes, MaxBytes));
        // SAFETY: the request holds the header and as many bytes as it says, checked above.
        Libc.Check(Libc.syscall(Libc.SYS_ioctl, device.Number, AddEntropy, (long)request), "ioctl(RNDADDENTROPY)");
    }
}
