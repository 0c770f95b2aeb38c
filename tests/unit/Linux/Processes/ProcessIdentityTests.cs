using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class ProcessIdentityTests
{
    [Fact]
    public void Zombie_is_dead()
    {
        using ClonedProcess child = new PreparedClone().Execve("/bin/true", ["true"], []).Start();
        ProcessIdentity identity = ProcessIdentity.Read(child.Pid);
        Poller.Wait(child.PidFd, PollEvents.In, Timeout.InfiniteTimeSpan);
        Assert.False(identity.IsAlive);
        Assert.True(child.PidFd.HasEnded);
        child.PidFd.Wait();
        Assert.False(ProcessIdentity.TryRead(child.Pid, out _, out Errno why));
        Assert.Equal(Errno.ENOENT, why);
    }

    [Fact]
    public void This_process_is_alive_but_not_with_another_start_time()
    {
        ProcessIdentity self = ProcessIdentity.OfSelf();
        Assert.True(self.IsAlive);
        Assert.False((self with { StartTimeTicks = self.StartTimeTicks + 1 }).IsAlive);
    }

    [Fact]
    public void Boot_id_is_a_uuid() => Assert.True(Guid.TryParseExact(BootId.Read(), "D", out _));
}

