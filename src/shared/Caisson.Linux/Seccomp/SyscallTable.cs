namespace Caisson.Linux;

/// <summary>Names of system calls to numbers, for each architecture an x86-64 kernel serves.</summary>
public static partial class SyscallTable
{
    /// <summary>__X32_SYSCALL_BIT: marks x32 calls, which share x86-64's audit architecture.</summary>
    internal const uint X32Bit = 0x40000000;

    /// <summary>A name's number.</summary>
    /// <param name="architecture">Whose table.</param>
    /// <param name="name">The kernel's name, such as <c>openat2</c>.</param>
    /// <param name="number">The number as a seccomp filter sees it.</param>
    /// <returns>False where the architecture has no such call, or this table is older than the call.</returns>
    public static bool TryGetNumber(SeccompArchitecture architecture, string name, out uint number)
    {
        int found = architecture switch
        {
            SeccompArchitecture.X64 => NumberX64(name),
            SeccompArchitecture.X86 => NumberX86(name),
            SeccompArchitecture.X32 => NumberX32(name),
            _ => -1,
        };
        number = (uint)found;
        return found >= 0;
    }

    private static int NumberX32(string name)
    {
        int number = NumberX32Special(name);
        number = number >= 0 ? number : NumberX64(name);
        return number < 0 ? -1 : number | (int)X32Bit;
    }
}
