using System.Diagnostics;
using Caisson.Linux;
using Compiler = Caisson.Linux.Seccomp;

namespace Caisson.UnitTests.Linux.Seccomp;

/// <summary>Filters in the kernel: on a thread that ends with the test, and in children that it starts.</summary>
public sealed class SeccompInstallTests
{
    [Fact]
    public void Kernel_takes_a_large_profile_and_refuses_what_it_refuses() => Scratch.OnThread(() =>
    {
        SeccompRule[] rules =
        [
            new SeccompRule([.. SyscallNames.All.Except(["mkdirat", "mkdir", "clone"])], new SeccompAction(SeccompActionKind.Allow), []),
            new SeccompRule(["mkdirat"], new SeccompAction(SeccompActionKind.Errno, (ushort)Errno.EDOM), [new SeccompCondition(2, SeccompOperator.Equal, 0x1C0)]),
            new SeccompRule(["mkdirat", "mkdir"], new SeccompAction(SeccompActionKind.Allow), [new SeccompCondition(2, SeccompOperator.MaskedEqual, 0x40, 0)]),
            new SeccompRule(["clone"], new SeccompAction(SeccompActionKind.Allow), [new SeccompCondition(0, SeccompOperator.MaskedEqual, 0x7E020000, 0)]),
        ];
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = new SeccompAction(SeccompActionKind.Errno, (ushort)Errno.EXDEV),
            Architectures = [SeccompArchitecture.X64, SeccompArchitecture.X86, SeccompArchitecture.X32],
            Rules = rules,
        });
        using var scratch = new Scratch();
        Prctl.SetNoNewPrivileges();

        program.Install(SeccompFlags.Log | SeccompFlags.AllowSpeculation);

        Assert.False(FileCalls.TryMakeDirectory(scratch["a"], 0x1C0, out Errno why));
        Assert.Equal(Errno.EDOM, why);
        Assert.False(FileCalls.TryMakeDirectory(scratch["a"], 0x1C1, out why));
        Assert.Equal(Errno.EXDEV, why);
        Assert.True(FileCalls.TryMakeDirectory(scratch["a"], 0x180, out _));
    });

    [Fact]
    public void Child_inherits_the_filter_and_is_killed_by_it() => Scratch.OnThread(() =>
    {
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = new SeccompAction(SeccompActionKind.Allow),
            Rules = [new SeccompRule(["mkdir", "mkdirat"], new SeccompAction(SeccompActionKind.KillProcess), [])],
        });
        using var scratch = new Scratch();
        Prctl.SetNoNewPrivileges();
        program.Install();

        using Process child = Process.Start("mkdir", scratch["never"]);
        child.WaitForExit();

        Assert.Equal(128 + (int)Signal.SIGSYS, child.ExitCode);
        Assert.False(Directory.Exists(scratch["never"]));
    });

    [Fact]
    public void Notify_gives_a_listener() => Scratch.OnThread(() =>
    {
        SeccompProgram program = Compiler.Compile(new SeccompProfile
        {
            DefaultAction = new SeccompAction(SeccompActionKind.Allow),
            Rules = [new SeccompRule(["uselib"], new SeccompAction(SeccompActionKind.Notify), [])],
        });
        Prctl.SetNoNewPrivileges();
        Assert.True(program.NeedsListener);

        using FileFd listener = program.InstallWithListener(SeccompFlags.WaitKillable);

        Assert.Contains("seccomp notify", FileCalls.ReadLink(listener.ProcPath));
    });
}
