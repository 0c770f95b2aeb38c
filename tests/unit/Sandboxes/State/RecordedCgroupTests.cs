using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class RecordedCgroupTests
{
    [Fact]
    public void A_cgroup_is_found_again_by_its_key_named_hierarchies_included()
    {
        var paths = new Dictionary<string, string>
        {
            ["memory"] = "/sys/fs/cgroup/memory/a=/b",
            ["name=systemd"] = "/sys/fs/cgroup/systemd/a=/b",
            [Cgroup.UnifiedKey] = "/sys/fs/cgroup/unified/a=/b",
        };

        Assert.Equal(paths, RecordedCgroup.Open(RecordedCgroup.KeyOf(Cgroup.OfPaths(paths))).Paths);
    }
}
