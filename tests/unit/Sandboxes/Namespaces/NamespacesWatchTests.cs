using System.Diagnostics;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Namespaces;

public sealed class NamespacesWatchTests
{
    [Fact]
    public void Watch_without_a_limit_lasts_until_the_end()
    {
        CgroupLayout layout = CgroupLayout.Discover();
        Assert.SkipWhen(UserIds.EffectiveUser != 0 || (layout.Mode != CgroupMode.Unified && layout.Find("memory") is null), "needs root and the memory controller");
        Cgroup cgroup = Cgroup.Create(layout, $"/caisson-unit-{KernelRandom.Hex(8)}");
        try
        {
            using Process child = Process.Start("/bin/sleep", "0.2");
            using var watch = new NamespacesWatch(PidFd.Open(child.Id), cgroup.WatchOom());

            Assert.Equal(WaitOutcome.Stopped, watch.Wait(Timeout.InfiniteTimeSpan));

            child.WaitForExit();
        }
        finally
        {
            cgroup.Remove();
        }
    }
}
