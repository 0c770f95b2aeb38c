using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Signals;

public sealed class SignalTests
{
    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("term", 15)]
    [InlineData("15", 15)]
    [InlineData("SIGRTMIN", 34)]
    [InlineData("RTMIN+3", 37)]
    [InlineData("SIGRTMAX-1", 63)]
    [InlineData("CLD", 17)]
    [InlineData("64", 64)]
    public void Names_are_read(string text, int expected)
    {
        Assert.True(SignalNames.TryParse(text, out Signal signal));
        Assert.Equal(expected, (int)signal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-1")]
    [InlineData("SIG")]
    [InlineData("SIGNONE")]
    [InlineData("TERM,INT")]
    [InlineData("RTMIN-1")]
    [InlineData("RTMIN+31")]
    [InlineData("SIG15")]
    public void Nonsense_is_refused(string text) => Assert.False(SignalNames.TryParse(text, out _));

    [Fact]
    public void Every_signal_has_a_name_that_reads_back()
    {
        for (int number = 1; number <= 64; number++)
        {
            Assert.True(SignalNames.TryParse(((Signal)number).Name(), out Signal signal));
            Assert.Equal(number, (int)signal);
        }
    }

    [Fact]
    public void Blocked_signal_arrives_through_the_descriptor() => Scratch.OnThread(() =>
    {
        SignalSet set = SignalSet.Of(Signal.SIGUSR2, Signal.SIGRTMIN + 5);
        SignalSet before = SignalState.Block(set);
        using SignalFd signals = SignalFd.Create(set);
        Assert.False(signals.TryTake(out _));
        int thread = int.Parse(FileCalls.ReadLink("/proc/thread-self").Split('/')[^1]);

        Assert.True(SignalState.TryKillThread(Environment.ProcessId, thread, Signal.SIGUSR2, out _));

        Assert.True(signals.TryTake(out ReceivedSignal received));
        Assert.Equal(Signal.SIGUSR2, received.Signal);
        Assert.Equal(Environment.ProcessId, received.SenderPid);
        Assert.True(SignalState.SetMask(before).Contains(Signal.SIGUSR2));
    });

    [Fact]
    public void Mask_is_the_one_that_proc_shows() => Scratch.OnThread(() =>
    {
        SignalSet before = SignalState.BlockAll();
        string blocked = Status("SigBlk");
        SignalState.Unblock(SignalSet.Of(Signal.SIGTERM));
        string without = Status("SigBlk");
        SignalState.SetMask(before);

        Assert.Equal("fffffffffffbfeff", blocked);    // all but SIGKILL and SIGSTOP
        Assert.Equal("fffffffffffbbeff", without);
    });

    [Fact]
    public void Ignored_signal_gets_its_default_action_back()
    {
        const ulong UrgentBit = 1UL << ((int)Signal.SIGURG - 1);    // one that the runtime does not use and whose default is harmless
        SignalState.Ignore(Signal.SIGURG);
        ulong ignored = Convert.ToUInt64(Status("SigIgn"), 16);
        SignalState.ResetDisposition(Signal.SIGURG);
        ulong after = Convert.ToUInt64(Status("SigIgn"), 16);

        Assert.Equal(UrgentBit, ignored & UrgentBit);
        Assert.Equal(0u, after & UrgentBit);
    }

    [Fact]
    public void Kill_of_nobody_fails() => Assert.False(SignalState.TryKill(int.MaxValue, Signal.None, out _));

    private static string Status(string field) =>
        SmallFile.ReadText("/proc/thread-self/status").Split('\n').First(l => l.StartsWith(field + ":", StringComparison.Ordinal)).Split('\t')[1];
}
