namespace Caisson.Linux;

/// <summary>Compiles profiles to BPF.</summary>
public static class Seccomp
{
    // BPF_MAXINSNS (include/uapi/linux/bpf_common.h).
    private const int MaxInstructions = 4096;

    // Offsets in struct seccomp_data (include/uapi/linux/seccomp.h).
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;

    // include/uapi/linux/audit.h.
    private const uint AUDIT_ARCH_X86_64 = 0xC000003E;
    private const uint AUDIT_ARCH_I386 = 0x40000003;

    // A tracer that skips a call sets its number to -1, and the filter sees it again (seccomp(2)).
    private const uint SkippedByTracer = uint.MaxValue;

    /// <summary>Compiles a profile for this kernel.</summary>
    /// <exception cref="ArgumentException">A condition's index is above 5, or the program is longer than the kernel takes.</exception>
    public static SeccompProgram Compile(SeccompProfile profile)
    {
        var builder = new BpfBuilder();
        BpfBuilder.Label unlisted = builder.Return((uint)SeccompActionKind.KillThread);
        BpfBuilder.Label fallback = builder.Return(profile.DefaultAction.ReturnValue);

        HashSet<SeccompArchitecture> architectures = [.. profile.Architectures];
        BpfBuilder.Label x86 = architectures.Contains(SeccompArchitecture.X86)
            ? builder.Load(NumberOffset, Decide(builder, profile, SeccompArchitecture.X86))
            : unlisted;
        BpfBuilder.Label x32 = architectures.Contains(SeccompArchitecture.X32)
            ? Decide(builder, profile, SeccompArchitecture.X32)
            : unlisted;
        BpfBuilder.Label x64 = Decide(builder, profile, SeccompArchitecture.X64);
        x32 = builder.Branch(BpfInstruction.JumpIfEqual, SkippedByTracer, fallback, x32);
        x64 = builder.Branch(BpfInstruction.JumpIfGreaterOrEqual, SyscallTable.X32Bit, x32, x64);
        x64 = builder.Load(NumberOffset, x64);

        BpfBuilder.Label start = builder.Branch(BpfInstruction.JumpIfEqual, AUDIT_ARCH_I386, x86, unlisted);
        start = builder.Branch(BpfInstruction.JumpIfEqual, AUDIT_ARCH_X86_64, x64, start);
        builder.Load(ArchitectureOffset, start);

        if (builder.Count > MaxInstructions)
        {
            throw new ArgumentException($"the seccomp profile needs {builder.Count} instructions, the kernel takes {MaxInstructions}", nameof(profile));
        }

        return new SeccompProgram(builder.ToArray(), UsesNotify(profile));
    }

    // A binary search over ranges of numbers that lead to the same place. Expects the number in the accumulator.
    private static BpfBuilder.Label Decide(BpfBuilder builder, SeccompProfile profile, SeccompArchitecture architecture)
    {
        var rules = new SeccompArchitectureRules(profile, architecture);
        BpfBuilder.Label fallback = builder.Return(profile.DefaultAction.ReturnValue);
        var ranges = new List<(uint Start, BpfBuilder.Label Target)> { (0, fallback) };
        void Add(uint start, BpfBuilder.Label target)
        {
            if (ranges[^1].Start == start)
            {
                ranges.RemoveAt(ranges.Count - 1);
            }

            if (ranges.Count == 0 || ranges[^1].Target != target)
            {
                ranges.Add((start, target));
            }
        }

        List<uint> numbers = [.. rules.Calls.Keys];
        numbers.Sort();
        foreach (uint number in numbers)
        {
            Add(number, Choose(builder, rules.Calls[number], fallback, architecture));
            Add(number + 1, fallback);
        }

        if (rules.FirstUnknown is uint firstUnknown)
        {
            Add(firstUnknown, builder.Return(new SeccompAction(SeccompActionKind.Errno, (ushort)Errno.ENOSYS).ReturnValue));
        }

        return Search(builder, ranges, 0, ranges.Count);
    }

    private static BpfBuilder.Label Search(BpfBuilder builder, List<(uint Start, BpfBuilder.Label Target)> ranges, int from, int to)
    {
        if (to - from == 1)
        {
            return ranges[from].Target;
        }

        int middle = (from + to) / 2;
        BpfBuilder.Label above = Search(builder, ranges, middle, to);
        BpfBuilder.Label below = Search(builder, ranges, from, middle);
        return builder.Branch(BpfInstruction.JumpIfGreaterOrEqual, ranges[middle].Start, above, below);
    }

    private static BpfBuilder.Label Choose(
        BpfBuilder builder, List<SeccompArchitectureRules.Choice> choices, BpfBuilder.Label fallback, SeccompArchitecture architecture)
    {
        BpfBuilder.Label otherwise = fallback;
        for (int i = choices.Count - 1; i >= 0; i--)
        {
            BpfBuilder.Label matched = builder.Return(choices[i].Action.ReturnValue);
            for (int j = choices[i].Conditions.Count - 1; j >= 0; j--)
            {
                matched = SeccompComparison.Compare(builder, choices[i].Conditions[j], architecture, matched, otherwise);
            }

            otherwise = matched;
        }

        return otherwise;
    }

    private static bool UsesNotify(SeccompProfile profile)
    {
        foreach (SeccompRule rule in profile.Rules)
        {
            if (rule.Action.Kind == SeccompActionKind.Notify)
            {
                return true;
            }
        }

        return profile.DefaultAction.Kind == SeccompActionKind.Notify;
    }
}
