using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class KeeperSpecTests
{
    [Theory]
    [InlineData("/scratch", "tmpfs")]
    [InlineData("/dev/shm", "tmpfs")]
    [InlineData("/dev/shm", "bind")]
    public void Memory_of_the_guest_is_empty_and_read_only_on_the_host(string destination, string type)
    {
        OciMount mount = Only(new OciMount { Destination = destination, Type = type, Source = "/var/shm", Options = ["rw", "rbind", "tmpcopyup", "size=1g"] });

        Assert.Equal("tmpfs", mount.Type);
        Assert.Contains("ro", mount.Options);
        Assert.DoesNotContain("rw", mount.Options);
        Assert.DoesNotContain("tmpcopyup", mount.Options);
    }

    [Theory]
    [InlineData("/dev", "tmpfs")]
    [InlineData("/data", "bind")]
    public void Other_mounts_are_the_containers(string destination, string type)
    {
        var mount = new OciMount { Destination = destination, Type = type, Source = "/var/data", Options = ["rw"] };

        Assert.Same(mount, Only(mount));
    }

    [Fact]
    public void Cgroups_of_the_host_are_not_shown()
    {
        Assert.Empty(KeeperSpec.From(With(new OciMount { Destination = "/sys/fs/cgroup", Type = "cgroup2" })).Mounts);
    }

    private static OciMount Only(OciMount mount) => Assert.Single(KeeperSpec.From(With(mount)).Mounts);

    private static OciSpec With(OciMount mount) => DefaultSpec.Create(rootless: false) with { Mounts = [mount] };
}
