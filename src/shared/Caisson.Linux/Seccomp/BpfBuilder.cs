namespace Caisson.Linux;

/// <summary>
/// Writes a BPF program from its end to its beginning. Classic BPF jumps forward only, so every target is known when a jump to it is written,
/// and one that is farther than the 8 bits of a conditional jump gets an unconditional one (32 bits) put right behind it.
/// </summary>
internal sealed class BpfBuilder
{
    // Index 0 is the program's last instruction.
    private readonly List<BpfInstruction> _fromEnd = [];
    private readonly Dictionary<uint, Label> _returns = [];

    // The last jump written to each far target; what comes before it may be near enough to share it.
    private readonly Dictionary<Label, Label> _trampolines = [];

    /// <summary>A place in the program, counted from its end.</summary>
    internal readonly record struct Label(int FromEnd);

    internal int Count => _fromEnd.Count;

    /// <summary>An instruction that returns; each value is written once.</summary>
    internal Label Return(uint value)
    {
        if (!_returns.TryGetValue(value, out Label label))
        {
            label = Put(new BpfInstruction(BpfInstruction.Return, 0, 0, value));
            _returns.Add(value, label);
        }

        return label;
    }

    /// <summary>Loads a word of struct seccomp_data, then goes to <paramref name="next"/>.</summary>
    internal Label Load(uint offset, Label next) => PutBefore(next, new BpfInstruction(BpfInstruction.Load, 0, 0, offset));

    /// <summary>Masks the accumulator, then goes to <paramref name="next"/>.</summary>
    internal Label And(uint mask, Label next) => PutBefore(next, new BpfInstruction(BpfInstruction.And, 0, 0, mask));

    /// <summary>Compares the accumulator with a constant.</summary>
    internal Label Branch(ushort comparison, uint operand, Label ifTrue, Label ifFalse)
    {
        if (ifTrue == ifFalse)
        {
            return ifTrue;
        }

        // Both are checked with room for the other's trampoline.
        Label near = Within(ifFalse, byte.MaxValue - 1);
        Label nearTrue = Within(ifTrue, byte.MaxValue);
        return Put(new BpfInstruction(comparison, checked((byte)Distance(nearTrue)), checked((byte)Distance(near)), operand));
    }

    internal BpfInstruction[] ToArray()
    {
        BpfInstruction[] program = [.. _fromEnd];
        Array.Reverse(program);
        return program;
    }

    private Label PutBefore(Label next, BpfInstruction instruction)
    {
        Within(next, 0);
        return Put(instruction);
    }

    // The label itself where it is near enough to an instruction put now, else a jump to it.
    private Label Within(Label target, int reach)
    {
        if (Distance(target) <= reach)
        {
            return target;
        }

        if (_trampolines.TryGetValue(target, out Label trampoline) && Distance(trampoline) <= reach)
        {
            return trampoline;
        }

        trampoline = Put(new BpfInstruction(BpfInstruction.Jump, 0, 0, (uint)Distance(target)));
        _trampolines[target] = trampoline;
        return trampoline;
    }

    // How many instructions one put now would skip to get there.
    private int Distance(Label target) => _fromEnd.Count - 1 - target.FromEnd;

    private Label Put(BpfInstruction instruction)
    {
        _fromEnd.Add(instruction);
        return new Label(_fromEnd.Count - 1);
    }
}
