namespace Caisson.Linux;

/// <summary>Compares 64-bit arguments with a 32-bit accumulator: high half first, then low.</summary>
internal static class SeccompComparison
{
    internal static BpfBuilder.Label Compare(
        BpfBuilder builder, SeccompCondition condition, SeccompArchitecture architecture, BpfBuilder.Label yes, BpfBuilder.Label no)
    {
        if (condition.Index is < 0 or > 5)
        {
            throw new ArgumentException($"a seccomp condition is on argument {condition.Index}; system calls have arguments 0 to 5", nameof(condition));
        }

        // i386 arguments have 32 bits; the kernel fills the rest with zeros, and libseccomp compares the low half only.
        bool wide = architecture != SeccompArchitecture.X86;
        uint low = 16 + ((uint)condition.Index * 8);    // struct seccomp_data: args at 16, little endian
        ulong value = condition.Value;
        return condition.Operator switch
        {
            SeccompOperator.Equal => Equal(builder, low, ulong.MaxValue, value, wide, yes, no),
            SeccompOperator.NotEqual => Equal(builder, low, ulong.MaxValue, value, wide, no, yes),
            SeccompOperator.MaskedEqual => Equal(builder, low, value, condition.SecondValue & value, wide, yes, no),
            SeccompOperator.Greater => Above(builder, low, BpfInstruction.JumpIfGreater, value, wide, yes, no),
            SeccompOperator.GreaterOrEqual => Above(builder, low, BpfInstruction.JumpIfGreaterOrEqual, value, wide, yes, no),
            SeccompOperator.Less => Above(builder, low, BpfInstruction.JumpIfGreaterOrEqual, value, wide, no, yes),
            SeccompOperator.LessOrEqual => Above(builder, low, BpfInstruction.JumpIfGreater, value, wide, no, yes),
            _ => throw new ArgumentException($"unknown seccomp operator {condition.Operator}", nameof(condition)),
        };
    }

    private static BpfBuilder.Label Equal(
        BpfBuilder builder, uint low, ulong mask, ulong value, bool wide, BpfBuilder.Label yes, BpfBuilder.Label no)
    {
        BpfBuilder.Label lowHalf = HalfEqual(builder, low, (uint)mask, (uint)value, yes, no);
        return wide ? HalfEqual(builder, low + 4, (uint)(mask >> 32), (uint)(value >> 32), lowHalf, no) : lowHalf;
    }

    private static BpfBuilder.Label HalfEqual(
        BpfBuilder builder, uint offset, uint mask, uint value, BpfBuilder.Label yes, BpfBuilder.Label no)
    {
        BpfBuilder.Label compared = builder.Branch(BpfInstruction.JumpIfEqual, value, yes, no);
        return builder.Load(offset, mask == uint.MaxValue ? compared : builder.And(mask, compared));
    }

    private static BpfBuilder.Label Above(
        BpfBuilder builder, uint low, ushort comparison, ulong value, bool wide, BpfBuilder.Label yes, BpfBuilder.Label no)
    {
        BpfBuilder.Label lowHalf = builder.Load(low, builder.Branch(comparison, (uint)value, yes, no));
        if (!wide)
        {
            return lowHalf;
        }

        uint high = (uint)(value >> 32);
        BpfBuilder.Label same = builder.Branch(BpfInstruction.JumpIfEqual, high, lowHalf, no);
        return builder.Load(low + 4, builder.Branch(BpfInstruction.JumpIfGreater, high, yes, same));
    }
}
