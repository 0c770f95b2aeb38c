namespace Caisson.Linux;

/// <summary>What sysinfo(2) tells; sizes in bytes.</summary>
/// <param name="Uptime">Since boot.</param>
/// <param name="TotalMemory">Memory of the machine.</param>
/// <param name="FreeMemory">Memory that nothing uses, caches included.</param>
/// <param name="TotalSwap">Swap.</param>
/// <param name="FreeSwap">Swap that nothing uses.</param>
/// <param name="Tasks">Tasks, threads included.</param>
public readonly record struct SystemLoad(TimeSpan Uptime, ulong TotalMemory, ulong FreeMemory, ulong TotalSwap, ulong FreeSwap, int Tasks)
{
    private const int SysSysinfo = 99;
    private const int Words = 16; // struct sysinfo of x86-64 is 112 bytes

    /// <summary>Asks the kernel.</summary>
    public static unsafe SystemLoad Read()
    {
        ulong* words = stackalloc ulong[Words];
        // SAFETY: the buffer of 128 bytes is larger than the structure.
        Libc.Check(Libc.syscall(SysSysinfo, (long)words), "sysinfo");
        ulong unit = *(uint*)(words + 13);
        unit = unit == 0 ? 1 : unit;
        return new SystemLoad(TimeSpan.FromSeconds(words[0]), words[4] * unit, words[5] * unit, words[8] * unit, words[9] * unit, *(ushort*)(words + 10));
    }
}
