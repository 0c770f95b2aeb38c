using System.Text;

namespace Caisson.Linux;

/// <summary>Names of system calls to numbers, for each architecture an x86-64 kernel serves.</summary>
public static partial class SyscallTable
{
    /// <summary>__X32_SYSCALL_BIT: marks x32 calls, which share x86-64's audit architecture.</summary>
    internal const uint X32Bit = 0x40000000;

    // Read when they are first needed. As switch expressions they were 66 KB of code; like this they are 12 KB of text.
    private static Dictionary<string, int>? s_x64;
    private static Dictionary<string, int>? s_x86;
    private static Dictionary<string, int>? s_x32;

    /// <summary>A name's number.</summary>
    /// <param name="architecture">Whose table.</param>
    /// <param name="name">The kernel's name, such as <c>openat2</c>.</param>
    /// <param name="number">The number as a seccomp filter sees it.</param>
    /// <returns>False where the architecture has no such call, or this table is older than the call.</returns>
    public static bool TryGetNumber(SeccompArchitecture architecture, string name, out uint number)
    {
        Dictionary<string, int> numbers = architecture switch
        {
            SeccompArchitecture.X64 => s_x64 ??= Read(NamesX64),
            SeccompArchitecture.X86 => s_x86 ??= Read(NamesX86),
            SeccompArchitecture.X32 => s_x32 ??= ReadX32(),
            _ => [],
        };
        bool isThere = numbers.TryGetValue(name, out int found);
        number = (uint)found;
        return isThere;
    }

    // x86-64's with the bit, but for those that have a number of their own.
    private static Dictionary<string, int> ReadX32()
    {
        Dictionary<string, int> numbers = Read(NamesX64);
        foreach ((string name, int number) in Read(NamesX32Special))
        {
            numbers[name] = number;
        }

        foreach (string name in numbers.Keys)
        {
            numbers[name] |= (int)X32Bit;
        }

        return numbers;
    }

    // "NAME=NUMBER NAME=NUMBER ...", over several lines.
    private static Dictionary<string, int> Read(ReadOnlySpan<byte> text)
    {
        var numbers = new Dictionary<string, int>(480);
        foreach (Range word in text.SplitAny(" \n"u8))
        {
            ReadOnlySpan<byte> entry = text[word];
            int equals = entry.IndexOf((byte)'=');
            if (equals > 0)
            {
                numbers.Add(Encoding.ASCII.GetString(entry[..equals]), int.Parse(entry[(equals + 1)..], System.Globalization.NumberStyles.None, null));
            }
        }

        return numbers;
    }
}
