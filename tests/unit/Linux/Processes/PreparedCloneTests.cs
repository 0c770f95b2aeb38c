using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class PreparedCloneTests
{
    private static readonly string[] s_noEnvironment = [];

    [Fact]
    public void Exit_code_comes_back()
    {
        using ClonedProcess child = Shell("exit 7").Start();
        Assert.Equal(7, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Killing_signal_comes_back()
    {
        using ClonedProcess child = Shell("kill -9 $$").Start();
        ExitStatus status = child.PidFd.Wait();
        Assert.Equal(9, status.Signal);
        Assert.Equal(137, status.Code);
    }

    [Fact]
    public void Missing_program_is_named()
    {
        var failed = Assert.Throws<SyscallException>(() => new PreparedClone().Setsid().Execve("/nowhere/program", ["program"], s_noEnvironment).Start());
        Assert.Equal(Errno.ENOENT, failed.Errno);
        Assert.Equal("execve(/nowhere/program)", failed.Call);
    }

    [Fact]
    public void Failed_call_in_the_middle_is_named()
    {
        var failed = Assert.Throws<SyscallException>(() => new PreparedClone().Chdir("/nowhere").Execve("/bin/true", ["true"], s_noEnvironment).Start());
        Assert.Equal("chdir(/nowhere)", failed.Call);
    }

    [Fact]
    public void Failed_clone_is_named()
    {
        var failed = Assert.Throws<SyscallException>(() => Shell("true").Start(CloneFlags.Fs | CloneFlags.NewNs));
        Assert.Equal(Errno.EINVAL, failed.Errno);
        Assert.StartsWith("clone3(", failed.Call, StringComparison.Ordinal);
    }

    [Fact]
    public void Overlapping_descriptor_numbers_are_kept_apart()
    {
        // Each descriptor's number is the other one's target.
        (UnixSocket first, UnixSocket second) = UnixSocket.Pair();
        (UnixSocket third, UnixSocket fourth) = UnixSocket.Pair();
        using (first)
        using (second)
        using (third)
        using (fourth)
        {
            using ClonedProcess child = new PreparedClone()
                .DuplicateTo(second, fourth.Number)
                .DuplicateTo(fourth, second.Number)
                .ResetSignals()
                .Execve("/bin/bash", ["bash", "-c", $"echo -n A >&{fourth.Number}; echo -n B >&{second.Number}"], ["PATH=/bin"])
                .Start();
            child.PidFd.Wait();
            Span<byte> buffer = stackalloc byte[8];
            Assert.Equal(1, first.Read(buffer));
            Assert.Equal((byte)'A', buffer[0]);
            Assert.Equal(1, third.Read(buffer));
            Assert.Equal((byte)'B', buffer[0]);
        }
    }

    [Fact]
    public void Signals_are_default_and_unblocked_after_reset()
    {
        using ClonedProcess child = new PreparedClone().ResetSignals()
            .Execve("/bin/sh", ["sh", "-c", "grep -q 'SigIgn:.0000000000000000' /proc/self/status && grep -q 'SigBlk:.0000000000000000' /proc/self/status"], ["PATH=/bin:/usr/bin"])
            .Start();
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Child_has_only_the_capabilities_that_it_was_left()
    {
        var one = CapabilitySet.Of(Capability.CAP_KILL);
        using ClonedProcess child = new PreparedClone()
            .DropBounding(Capabilities.All.Except(one))
            .SetCapabilities(new CapabilitySets(one, one, one, CapabilitySet.Empty, CapabilitySet.Empty))
            .ResetSignal(Signal.SIGPIPE)
            .Execve("/bin/sh", ["sh", "-c", "for set in Prm Eff Bnd; do grep -q \"Cap$set:.0000000000000020\" /proc/self/status || exit 1; done; ! grep -q 'SigIgn:.*[1357bdf]...$' /proc/self/status"], ["PATH=/bin:/usr/bin"])
            .Start();
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Child_is_in_new_namespaces()
    {
        string own = new FileInfo("/proc/self/ns/uts").LinkTarget!;
        using ClonedProcess child = Shell($"test \"$(readlink /proc/self/ns/uts)\" != '{own}' && test $$ = 1").Start(CloneFlags.NewUts | CloneFlags.NewPid);
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Program_runs_from_a_descriptor()
    {
        using FileStream file = File.OpenRead("/bin/true");
        using FileFd program = FileFd.FromNumber(DuplicateNumber(file));
        using ClonedProcess child = new PreparedClone().CloseRangeFrom(3).Execveat(program, ["true"], s_noEnvironment).Start();
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void New_time_namespace_can_be_asked_for()
    {
        using ClonedProcess child = Shell("exit 3").Start(CloneFlags.NewTime);
        Assert.Equal(3, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Collections_and_concurrent_starts_do_not_disturb()
    {
        using var stop = new CancellationTokenSource();
        Thread[] stress = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() => Allocate(stop.Token)))];
        Array.ForEach(stress, thread => thread.Start());
        int wrong = 0;
        Thread[] starters = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            PreparedClone program = new PreparedClone().Setsid().Execve("/bin/true", ["true"], s_noEnvironment);
            for (int i = 0; i < 100; i++)
            {
                using ClonedProcess child = program.Start();
                if (Poller.Wait(child.PidFd, PollEvents.In, TimeSpan.FromSeconds(30)) == PollEvents.None)
                {
                    child.PidFd.SendSignal(9);
                }

                Interlocked.Add(ref wrong, child.PidFd.Wait().Code);
            }
        }))];
        Array.ForEach(starters, thread => thread.Start());
        Array.ForEach(starters, thread => thread.Join());
        stop.Cancel();
        Array.ForEach(stress, thread => thread.Join());
        Assert.Equal(0, wrong);
    }

    private static void Allocate(CancellationToken stop)
    {
        var keep = new object[200];
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            keep[i % keep.Length] = new byte[i % 4000];
            if (i % 5000 == 0)
            {
                GC.Collect(0);
            }
        }
    }

    private static PreparedClone Shell(string script) =>
        new PreparedClone().Setsid().ResetSignals().Execve("/bin/sh", ["sh", "-c", script], ["PATH=/bin:/usr/bin"]);

    private static int DuplicateNumber(FileStream file)
    {
        using PidFd self = PidFd.Open(Environment.ProcessId);
        return self.CopyDescriptor((int)file.SafeFileHandle.DangerousGetHandle()).Release();
    }
}
