using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct sock_filter: one instruction of classic BPF (include/uapi/linux/filter.h).</summary>
/// <param name="Code">BPF_LD and so on.</param>
/// <param name="IfTrue">Instructions to skip where a comparison holds.</param>
/// <param name="IfFalse">Instructions to skip where it does not.</param>
/// <param name="Operand">The constant.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BpfInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand)
{
    /// <summary>BPF_LD | BPF_W | BPF_ABS: the accumulator becomes a word of struct seccomp_data.</summary>
    internal const ushort Load = 0x20;

    /// <summary>BPF_ALU | BPF_AND | BPF_K.</summary>
    internal const ushort And = 0x54;

    /// <summary>BPF_JMP | BPF_JA: skips Operand instructions.</summary>
    internal const ushort Jump = 0x05;

    /// <summary>BPF_JMP | BPF_JEQ | BPF_K.</summary>
    internal const ushort JumpIfEqual = 0x15;

    /// <summary>BPF_JMP | BPF_JGT | BPF_K, unsigned.</summary>
    internal const ushort JumpIfGreater = 0x25;

    /// <summary>BPF_JMP | BPF_JGE | BPF_K, unsigned.</summary>
    internal const ushort JumpIfGreaterOrEqual = 0x35;

    /// <summary>BPF_RET | BPF_K.</summary>
    internal const ushort Return = 0x06;
}
