namespace Caisson.Linux;

/// <summary>
/// Device rules as a BPF program for cgroup v2 (BPF_PROG_TYPE_CGROUP_DEVICE). The rules are tried from the last to the first, each taking
/// the rights it decides out of those still asked for, so that rules for single rights add up as they do in cgroup v1.
/// </summary>
internal static unsafe class DeviceProgram
{
    // A configuration is foreign input: the kernel takes a million instructions, and nobody writes more rules by hand.
    internal const int MaxRules = 4096;

    private const int ProgramTypeCgroupDevice = 15;
    private const int AttachCgroupDevice = 6;
    private const int AllowMulti = 2;
    private const int Load = 5;
    private const int Attach = 8;
    private const int Detach = 9;
    private const int GetFdById = 13;
    private const int Query = 16;
    private const int MaxAttached = 64; // BPF_CGROUP_MAX_PROGS
    private const int AttributeBytes = 128;
    private const int SysBpf = 321;

    // Opcodes of linux/bpf.h: class | size or source | operation.
    private const byte LoadWord = 0x61;
    private const byte AndImmediate32 = 0x54;
    private const byte ShiftRightImmediate32 = 0x74;
    private const byte MoveImmediate = 0xB7;
    private const byte MoveRegister = 0xBF;
    private const byte JumpIfNotEqual = 0x55;
    private const byte JumpIfEqual = 0x15;
    private const byte ExitProgram = 0x95;

    // Registers. The context (r1) is struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor.
    private const byte Result = 0;
    private const byte Context = 1;
    private const byte Type = 2;
    private const byte Wanted = 3;
    private const byte Major = 4;
    private const byte Minor = 5;
    private const byte Scratch = 6;

    private const int Refuse = 0;
    private const int Permit = 1;

    /// <summary>The program's instructions, eight bytes each.</summary>
    internal static ulong[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        if (rules.Count > MaxRules)
        {
            throw new CgroupException($"{rules.Count} device rules are more than the {MaxRules} that are accepted");
        }

        var code = new List<ulong>
        {
            Instruction(LoadWord, Type, Context, 0, 0),
            Instruction(MoveRegister, Wanted, Type, 0, 0),
            Instruction(AndImmediate32, Type, 0, 0, 0xFFFF),
            Instruction(ShiftRightImmediate32, Wanted, 0, 0, 16),
            Instruction(LoadWord, Major, Context, 4, 0),
            Instruction(LoadWord, Minor, Context, 8, 0),
        };
        for (int i = rules.Count - 1; i >= 0; i--)
        {
            AddRule(code, rules[i]);
        }

        AddVerdict(code, Refuse);
        return [.. code];
    }

    /// <summary>Attaches the rules to a cgroup and then detaches the programs that were there.</summary>
    internal static void Install(FileDescriptor directory, IReadOnlyList<DeviceRule> rules, string path)
    {
        using FileFd program = LoadProgram(Compile(rules));
        uint* before = stackalloc uint[MaxAttached];
        int count = QueryAttached(directory, before);
        AttachOrDetach(Attach, directory, program, $"bpf(attach device rules to {path})");
        for (int i = 0; i < count; i++)
        {
            using FileFd old = OpenProgram(before[i]);
            AttachOrDetach(Detach, directory, old, $"bpf(detach former device rules from {path})");
        }
    }

    private static void AddRule(List<ulong> code, DeviceRule rule)
    {
        int start = code.Count;
        if (rule.Kind != 'a')
        {
            const int Block = 1;
            const int Character = 2;
            code.Add(Instruction(JumpIfNotEqual, Type, 0, 0, rule.Kind == 'b' ? Block : Character));
        }

        if (rule.Major is { } major)
        {
            code.Add(Instruction(JumpIfNotEqual, Major, 0, 0, checked((int)major)));
        }

        if (rule.Minor is { } minor)
        {
            code.Add(Instruction(JumpIfNotEqual, Minor, 0, 0, checked((int)minor)));
        }

        int body = code.Count;
        if (rule.Allow)
        {
            code.Add(Instruction(AndImmediate32, Wanted, 0, 0, ~(int)rule.Access));
            code.Add(Instruction(JumpIfNotEqual, Wanted, 0, 2, 0));
            AddVerdict(code, Permit);
        }
        else
        {
            code.Add(Instruction(MoveRegister, Scratch, Wanted, 0, 0));
            code.Add(Instruction(AndImmediate32, Scratch, 0, 0, (int)rule.Access));
            code.Add(Instruction(JumpIfEqual, Scratch, 0, 2, 0));
            AddVerdict(code, Refuse);
        }

        // What does not match goes on behind this rule: a jump's offset counts from the next instruction.
        for (int i = start; i < body; i++)
        {
            code[i] |= (ulong)(ushort)(code.Count - i - 1) << 16;
        }
    }

    private static void AddVerdict(List<ulong> code, int verdict)
    {
        code.Add(Instruction(MoveImmediate, Result, 0, 0, verdict));
        code.Add(Instruction(ExitProgram, 0, 0, 0, 0));
    }

    private static ulong Instruction(byte code, byte target, byte source, short offset, int immediate) =>
        code | ((ulong)(target | (source << 4)) << 8) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)immediate << 32);

    private static FileFd LoadProgram(ulong[] code)
    {
        var program = new FileFd();
        uint* attributes = stackalloc uint[AttributeBytes / sizeof(uint)];
        new Span<uint>(attributes, AttributeBytes / sizeof(uint)).Clear();
        fixed (ulong* instructions = code)
        fixed (byte* license = "Apache-2.0\0"u8)
        {
            attributes[0] = ProgramTypeCgroupDevice;
            attributes[1] = (uint)code.Length;
            ((ulong*)attributes)[1] = (ulong)instructions;
            ((ulong*)attributes)[2] = (ulong)license;
            // SAFETY: the attribute is this frame's 128 bytes, and both arrays are pinned for the call.
            program.Adopt((int)Libc.Check(Libc.syscall(SysBpf, Load, (long)attributes, AttributeBytes), $"bpf(load {code.Length} instructions of device rules)"));
        }

        return program;
    }

    private static int QueryAttached(FileDescriptor directory, uint* ids)
    {
        uint* attributes = stackalloc uint[AttributeBytes / sizeof(uint)];
        new Span<uint>(attributes, AttributeBytes / sizeof(uint)).Clear();
        attributes[0] = (uint)directory.Number;
        attributes[1] = AttachCgroupDevice;
        ((ulong*)attributes)[2] = (ulong)ids;
        attributes[6] = MaxAttached;
        // SAFETY: the attribute is this frame's 128 bytes, and the caller's list has room for MaxAttached ids.
        Libc.Check(Libc.syscall(SysBpf, Query, (long)attributes, AttributeBytes), "bpf(query device rules)");
        return (int)Math.Min(attributes[6], MaxAttached);
    }

    private static FileFd OpenProgram(uint id)
    {
        var program = new FileFd();
        uint* attributes = stackalloc uint[AttributeBytes / sizeof(uint)];
        new Span<uint>(attributes, AttributeBytes / sizeof(uint)).Clear();
        attributes[0] = id;
        // SAFETY: the attribute is this frame's 128 bytes.
        program.Adopt((int)Libc.Check(Libc.syscall(SysBpf, GetFdById, (long)attributes, AttributeBytes), $"bpf(open program {id})"));
        return program;
    }

    private static void AttachOrDetach(int command, FileDescriptor directory, FileDescriptor program, string call)
    {
        uint* attributes = stackalloc uint[AttributeBytes / sizeof(uint)];
        new Span<uint>(attributes, AttributeBytes / sizeof(uint)).Clear();
        attributes[0] = (uint)directory.Number;
        attributes[1] = (uint)program.Number;
        attributes[2] = AttachCgroupDevice;
        attributes[3] = command == Attach ? AllowMulti : 0u;
        // SAFETY: the attribute is this frame's 128 bytes.
        Libc.Check(Libc.syscall(SysBpf, command, (long)attributes, AttributeBytes), call);
    }
}
