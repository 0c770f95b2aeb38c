using Caisson.Harness;

namespace Caisson.IntegrationTests.Containers;

/// <summary>What a configuration says is what a container sees, in every isolation.</summary>
public sealed class ConfigurationTests(ConfigurationObservations container) : IClassFixture<ConfigurationObservations>
{
    [Theory, Isolations]
    public void Host_and_domain_name(Isolation isolation)
    {
        Assert.Equal("observer", container.Seen(isolation, "hostname"));
        Assert.Equal("example.org", container.Seen(isolation, "domain"));
    }

    [Theory, Isolations]
    public void User_groups_and_umask(Isolation isolation)
    {
        Assert.Equal("1000 1000 1000 10 20", container.Seen(isolation, "user"));
        Assert.Equal("0027", container.Seen(isolation, "umask"));
    }

    [Theory, Isolations]
    public void Working_directory_and_environment(Isolation isolation)
    {
        Assert.Equal("/tmp", container.Seen(isolation, "cwd"));
        Assert.Equal("blue /bin", container.Seen(isolation, "env"));
    }

    [Theory, Isolations]
    public void Limit_of_open_files(Isolation isolation) => Assert.Equal("512", container.Seen(isolation, "files"));

    [Theory, Isolations]
    public void Capabilities_and_no_new_privileges(Isolation isolation)
    {
        Assert.Equal("0000000000000020", container.Seen(isolation, "capeff")); // CAP_KILL is 5
        Assert.Equal("0000000000000021", container.Seen(isolation, "capbnd")); // and CAP_CHOWN 0
        Assert.Equal("1", container.Seen(isolation, "nonewprivs"));
    }

    [Theory, Isolations]
    public void Seccomp_filters(Isolation isolation) => Assert.Equal("2", container.Seen(isolation, "seccomp")); // SECCOMP_MODE_FILTER

    [Theory, Isolations]
    public void Oom_score(Isolation isolation) => Assert.Equal("500", container.Seen(isolation, "oom"));

    [Theory, Isolations]
    public void Read_only_root(Isolation isolation) => Assert.Contains("Read-only file system", container.Seen(isolation, "root"));

    [Theory, Isolations]
    public void Read_only_bind_mount(Isolation isolation)
    {
        Assert.StartsWith("hello ", container.Seen(isolation, "readonly"));
        Assert.Contains("Read-only file system", container.Seen(isolation, "readonly"));
    }

    [Theory, Isolations]
    public void What_is_written_to_a_bind_mount_is_on_the_host_afterwards(Isolation isolation)
    {
        Assert.Equal("written", container.Seen(isolation, "writable"));
        Assert.Equal("written\n", File.ReadAllText(Path.Combine(container.PathOf(isolation), "rw/file")));
    }

    [Theory, Isolations]
    public void Tmpfs_with_a_size(Isolation isolation) => Assert.Equal("kept size=1024k", container.Seen(isolation, "scratch"));

    [Theory, Isolations]
    public void Mount_point_behind_a_symbolic_link_stays_inside(Isolation isolation) => Assert.Equal("hello", container.Seen(isolation, "symlink"));

    [Theory, Isolations]
    public void Masked_paths_are_empty(Isolation isolation)
    {
        Assert.Equal("", container.Seen(isolation, "masked"));
        Assert.Equal("0", container.Seen(isolation, "kcore"));
    }

    [Theory, Isolations]
    public void Read_only_paths_cannot_be_written(Isolation isolation) => Assert.Contains("Read-only file system", container.Seen(isolation, "locked"));

    [Theory, Isolations]
    public void Workload_is_the_first_process_of_its_namespace(Isolation isolation) => Assert.Equal("1", container.Seen(isolation, "pid"));

    [Theory, Isolations]
    public void Network_is_the_loopback(Isolation isolation) => Assert.Equal("lo", container.Seen(isolation, "links"));

    [Theory, Isolations]
    public void Devices_and_links_of_the_specification(Isolation isolation)
    {
        Assert.Equal("null zero full random urandom tty ptmx", container.Seen(isolation, "devices"));
        Assert.Equal("/proc/self/fd/0 /proc/self/fd", container.Seen(isolation, "fds"));
        Assert.Equal("0", container.Seen(isolation, "null"));
    }
}
