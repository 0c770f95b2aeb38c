using Caisson.Linux;
using Compiler = Caisson.Linux.Seccomp;

namespace Caisson.UnitTests.Linux.Seccomp;

public sealed class SeccompCompileTests
{
    private static readonly SeccompAction s_allow = new(SeccompActionKind.Allow);
    private static readonly SeccompAction s_refuse = new(SeccompActionKind.Errno, (ushort)Errno.EPERM);
    private static readonly SeccompAction s_kill = new(SeccompActionKind.KillThread);
    private static readonly SeccompAction s_unknown = new(SeccompActionKind.Errno, (ushort)Errno.ENOSYS);

    [Fact]
    public void Every_call_of_a_large_profile_gets_its_own_action()
    {
        // Distinct messages, so that nothing merges, and two conditions each: the program is long enough that most jumps are far.
        SeccompRule[] rules =
        [
            .. SyscallNames.All.Select((name, i) => new SeccompRule(
                [name],
                new SeccompAction(SeccompActionKind.Trace, (ushort)(i + 1)),
                [new SeccompCondition(i % 6, SeccompOperator.Equal, (ulong)i << 20), new SeccompCondition((i + 1) % 6, SeccompOperator.Equal, 1)])),
        ];
        SeccompProgram program = Compiler.Compile(new SeccompProfile { DefaultAction = s_refuse, Rules = rules });
        Assert.InRange(program.Instructions.Length, 2000, 4096);

        ulong[] arguments = new ulong[6];
        for (int i = 0; i < SyscallNames.All.Length; i++)
        {
            Array.Clear(arguments);
            arguments[i % 6] = (ulong)i << 20;
            Assert.True(SyscallTable.TryGetNumber(SeccompArchitecture.X64, SyscallNames.All[i], out uint number));
            Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, number, arguments));
            arguments[(i + 1) % 6] = 1;
            Assert.Equal(rules[i].Action, BpfInterpreter.Run(program, BpfInterpreter.X64, number, arguments));
        }
    }

    [Fact]
    public void Allow_list_on_three_architectures_is_short_and_right()
    {
        string[] forbidden = ["mount", "ptrace", "keyctl", "reboot"];
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_refuse,
            Architectures = [SeccompArchitecture.X64, SeccompArchitecture.X86, SeccompArchitecture.X32],
            Rules = [new SeccompRule([.. SyscallNames.All.Except(forbidden), "no_such_call"], s_allow, [])],
        });

        Assert.InRange(program.Instructions.Length, 10, 1000);
        foreach (SeccompArchitecture architecture in Enum.GetValues<SeccompArchitecture>())
        {
            uint audit = architecture == SeccompArchitecture.X86 ? BpfInterpreter.X86 : BpfInterpreter.X64;
            foreach (string name in SyscallNames.All)
            {
                if (SyscallTable.TryGetNumber(architecture, name, out uint number))
                {
                    Assert.Equal(forbidden.Contains(name) ? s_refuse : s_allow, BpfInterpreter.Run(program, audit, number));
                }
            }
        }
    }

    [Theory]
    [InlineData(SeccompOperator.Equal)]
    [InlineData(SeccompOperator.NotEqual)]
    [InlineData(SeccompOperator.Less)]
    [InlineData(SeccompOperator.LessOrEqual)]
    [InlineData(SeccompOperator.Greater)]
    [InlineData(SeccompOperator.GreaterOrEqual)]
    [InlineData(SeccompOperator.MaskedEqual)]
    public void Comparisons_use_all_64_bits(SeccompOperator comparison)
    {
        ulong[] values = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x1_00000000, 0x1_00000001, 0x1_FFFFFFFF, 0x2_00000000, 0x7E020000_00000001, ulong.MaxValue - 1, ulong.MaxValue];
        foreach (ulong right in values)
        {
            foreach (ulong second in comparison == SeccompOperator.MaskedEqual ? values : [0])
            {
                SeccompProgram program = Compiler.Compile(new SeccompProfile
                {
                    DefaultAction = s_refuse,
                    Rules = [new SeccompRule(["personality"], s_allow, [new SeccompCondition(2, comparison, right, second)])],
                });
                foreach (ulong left in values)
                {
                    bool holds = comparison switch
                    {
                        SeccompOperator.Equal => left == right,
                        SeccompOperator.NotEqual => left != right,
                        SeccompOperator.Less => left < right,
                        SeccompOperator.LessOrEqual => left <= right,
                        SeccompOperator.Greater => left > right,
                        SeccompOperator.GreaterOrEqual => left >= right,
                        _ => (left & right) == (second & right),
                    };
                    Assert.Equal(holds ? s_allow : s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 135, 0, 0, left));
                }
            }
        }
    }

    [Fact]
    public void I386_arguments_compare_their_32_bits()
    {
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_refuse,
            Architectures = [SeccompArchitecture.X86],
            Rules = [new SeccompRule(["personality"], s_allow, [new SeccompCondition(0, SeccompOperator.Equal, 0xFFFFFFFF_FFFFFFFF)])],
        });

        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X86, 136, 0xFFFFFFFF));
    }

    [Fact]
    public void Rules_of_one_call_combine_as_in_libseccomp()
    {
        var trap = new SeccompAction(SeccompActionKind.Trap);
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_refuse,
            Rules =
            [
                new SeccompRule(["socket"], s_allow, [new SeccompCondition(0, SeccompOperator.Equal, 1)]),
                new SeccompRule(["socket"], trap, [new SeccompCondition(0, SeccompOperator.Less, 5)]),
                new SeccompRule(["clone"], trap, [new SeccompCondition(0, SeccompOperator.Equal, 1)]),
                new SeccompRule(["clone"], s_allow, []),
                new SeccompRule(["clone"], trap, []),
                new SeccompRule(["personality"], s_allow, [new SeccompCondition(0, SeccompOperator.Equal, 0), new SeccompCondition(0, SeccompOperator.Equal, 8)]),
                new SeccompRule(["read"], s_refuse, []),
            ],
        });

        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, 41, 1));
        Assert.Equal(trap, BpfInterpreter.Run(program, BpfInterpreter.X64, 41, 2));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 41, 5));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, 56, 1));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, 135, 8));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 135, 9));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 0));
    }

    [Fact]
    public void Unlisted_architectures_are_killed_and_a_skipped_call_is_not()
    {
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_allow,
            Rules = [new SeccompRule(["mount"], s_refuse, [])],
        });

        Assert.Equal(s_kill, BpfInterpreter.Run(program, BpfInterpreter.X86, 1));
        Assert.Equal(s_kill, BpfInterpreter.Run(program, BpfInterpreter.X64, 0x40000001));
        Assert.Equal(s_kill, BpfInterpreter.Run(program, 0xC00000B7 /* AUDIT_ARCH_AARCH64 */, 1));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, uint.MaxValue));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 165));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, 500));
    }

    [Fact]
    public void Calls_newer_than_a_forbidding_profile_are_unknown()
    {
        var profile = new SeccompProfile { DefaultAction = s_refuse, Rules = [new SeccompRule(["read", "openat2"], s_allow, [])] };
        SeccompProgram program = Compiler.Compile(profile);

        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X64, 437));
        Assert.Equal(s_unknown, BpfInterpreter.Run(program, BpfInterpreter.X64, 438));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X64, 436));
        SeccompProgram strict = Compiler.Compile(profile with { NewerCallsAreUnknown = false });
        Assert.Equal(s_refuse, BpfInterpreter.Run(strict, BpfInterpreter.X64, 438));
    }

    [Fact]
    public void I386_socketcall_follows_the_rules_of_its_calls()
    {
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_refuse,
            Architectures = [SeccompArchitecture.X86],
            Rules = [new SeccompRule(["bind", "shmat"], s_allow, [])],
        });

        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X86, 102, 2));
        Assert.Equal(s_refuse, BpfInterpreter.Run(program, BpfInterpreter.X86, 102, 1));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X86, 361));
        Assert.Equal(s_allow, BpfInterpreter.Run(program, BpfInterpreter.X86, 117, 21));
    }

    [Fact]
    public void Too_long_a_profile_and_a_seventh_argument_are_refused()
    {
        SeccompRule[] rules =
        [
            .. Enumerable.Range(0, 1500).Select(i => new SeccompRule(
                ["read"], new SeccompAction(SeccompActionKind.Trace, (ushort)i), [new SeccompCondition(0, SeccompOperator.Equal, (ulong)i)])),
        ];

        Assert.Contains("4096", Assert.Throws<ArgumentException>(() => Compiler.Compile(new SeccompProfile { DefaultAction = s_allow, Rules = rules })).Message);
        Assert.Throws<ArgumentException>(() => Compiler.Compile(new SeccompProfile
        {
            DefaultAction = s_allow,
            Rules = [new SeccompRule(["read"], s_refuse, [new SeccompCondition(6, SeccompOperator.Equal, 0)])],
        }));
    }

    [Theory]
    [InlineData(SeccompArchitecture.X64, "read", 0)]
    [InlineData(SeccompArchitecture.X64, "mseal", 462)]
    [InlineData(SeccompArchitecture.X86, "read", 3)]
    [InlineData(SeccompArchitecture.X86, "openat2", 437)]
    [InlineData(SeccompArchitecture.X32, "read", 0x40000000)]
    [InlineData(SeccompArchitecture.X32, "execve", 0x40000208)]
    public void Numbers_are_known(SeccompArchitecture architecture, string name, uint expected)
    {
        Assert.True(SyscallTable.TryGetNumber(architecture, name, out uint number));
        Assert.Equal(expected, number);
    }
}
