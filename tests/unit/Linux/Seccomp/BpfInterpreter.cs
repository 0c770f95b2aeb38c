using System.Buffers.Binary;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Seccomp;

/// <summary>Runs a seccomp program as the kernel does, and fails where the kernel's checker would.</summary>
internal static class BpfInterpreter
{
    internal const uint X64 = 0xC000003E;
    internal const uint X86 = 0x40000003;

    internal static SeccompAction Run(SeccompProgram program, uint architecture, uint number, params ReadOnlySpan<ulong> arguments)
    {
        Span<byte> data = stackalloc byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data[4..], architecture);
        for (int i = 0; i < arguments.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data[(16 + (i * 8))..], arguments[i]);
        }

        ReadOnlySpan<BpfInstruction> code = program.Instructions;
        uint accumulator = 0;
        for (int at = 0; ; at++)
        {
            BpfInstruction now = code[at];
            switch (now.Code)
            {
                case 0x20:
                    accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data[(int)now.Operand..]);
                    break;
                case 0x54:
                    accumulator &= now.Operand;
                    break;
                case 0x05:
                    at += (int)now.Operand;
                    break;
                case 0x15:
                    at += accumulator == now.Operand ? now.IfTrue : now.IfFalse;
                    break;
                case 0x25:
                    at += accumulator > now.Operand ? now.IfTrue : now.IfFalse;
                    break;
                case 0x35:
                    at += accumulator >= now.Operand ? now.IfTrue : now.IfFalse;
                    break;
                case 0x06:
                    return new SeccompAction((SeccompActionKind)(now.Operand & 0xFFFF0000), (ushort)now.Operand);
                default:
                    throw new InvalidOperationException($"unknown instruction 0x{now.Code:x} at {at}");
            }
        }
    }
}
