using Caisson.Oci;

namespace Caisson.UnitTests.Containers;

/// <summary>What an image may try against whoever makes a container of it.</summary>
public sealed class SecurityTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("../../../../../../..")]
    [InlineData("/proc/1/root")]
    public void Symlink_in_the_image_does_not_lead_a_mount_outside(string target)
    {
        using var bundle = new TestBundle();
        using var source = new TestBundle();
        File.CreateSymbolicLink(bundle.InRoot("link"), target);

        Outcome outcome = bundle.Writable().Mount("/link/caisson-escape", "bind", source.Path, "bind").Script("ls -d /caisson-escape").Run();

        Assert.False(Directory.Exists("/caisson-escape"));
        Assert.True(outcome.Output == "/caisson-escape\n" || outcome.Code == 1, outcome.Output);
    }

    [Theory]
    [InlineData("proc")]
    [InlineData("sys")]
    public void Proc_and_sys_of_the_image_must_be_directories(string name)
    {
        using var bundle = new TestBundle();
        Directory.CreateDirectory(bundle.InRoot("elsewhere"));
        File.CreateSymbolicLink(bundle.InRoot(name), "elsewhere");

        Outcome outcome = bundle.Arguments("true").Run();

        Assert.Equal(1, outcome.Code);
        Assert.Contains("must be mounted on ordinary directory", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/proc/sys", "tmpfs")]
    [InlineData("/link/sys/kernel", "tmpfs")]
    public void Nothing_is_mounted_inside_proc(string destination, string type)
    {
        using var bundle = new TestBundle();
        File.CreateSymbolicLink(bundle.InRoot("link"), "/proc");

        Outcome outcome = bundle.Mount(destination, type, type).Arguments("true").Run();

        Assert.Contains("cannot be mounted because it is inside /proc", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void False_proc_is_refused()
    {
        using var bundle = new TestBundle();
        using var source = new TestBundle();

        Outcome outcome = bundle.Mount("/proc", "bind", source.Path, "rbind").Arguments("true").Run();

        Assert.Contains("cannot be mounted because", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Working_directory_through_a_descriptor_is_refused()
    {
        using var bundle = new TestBundle();
        for (int number = 3; number < 20; number++)
        {
            Outcome outcome = bundle.Process(process => process with { Cwd = $"/proc/self/fd/{number}" }).Arguments("true").Run();

            Assert.Equal(1, outcome.Code);
            Assert.True(outcome.Output.Contains("chdir to cwd", StringComparison.Ordinal), outcome.Output);
            number += 4;
        }
    }

    [Fact]
    public void No_descriptor_leaks_into_the_workload()
    {
        using var bundle = new TestBundle();

        // The fourth is what ls reads the directory by.
        Assert.Equal("0\n1\n2\n3\n", bundle.Script("ls /proc/self/fd").Run().Output);
        Assert.Equal("created\n0\n1\n2\n3\n", bundle.Script("ls /proc/self/fd").CreateAndStart().Output);
    }

    [Fact]
    public void Hidden_paths_are_empty_and_read_only_ones_refuse()
    {
        using var bundle = new TestBundle();
        bundle.Process(process => process with
        {
            Capabilities = new OciCapabilities { Bounding = ["CAP_SYS_ADMIN"], Permitted = ["CAP_SYS_ADMIN"], Effective = ["CAP_SYS_ADMIN"] },
        });

        Outcome outcome = bundle.Script("cat /proc/keys; ls /sys/firmware /proc/acpi; echo x > /proc/sys/kernel/domainname; echo end").Run();

        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("keyring", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("end\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Image_with_a_false_null_device_hides_paths_all_the_same()
    {
        using var bundle = new TestBundle();
        Directory.CreateDirectory(bundle.InRoot("dev"));
        File.CreateSymbolicLink(bundle.InRoot("dev/null"), "/proc/sysrq-trigger");

        Outcome outcome = bundle.Script("stat -c %t:%T /proc/keys; stat -c %t:%T /dev/null").Run();

        Assert.Equal("1:3\n1:3\n", outcome.Output);
    }

    [Fact]
    public void Sysctl_of_the_host_is_refused()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Sysctl = new SpecMap<string>([new("kernel.panic", "1")]) });

        Assert.Equal("sysctl \"kernel.panic\" is not in a separate kernel namespace\n", bundle.Arguments("true").Run().Output);
    }

    [Fact]
    public void Container_without_user_namespace_cannot_make_more_devices_than_its_cgroup_allows()
    {
        using var bundle = new TestBundle();
        bundle.Linux(linux => linux with { Devices = [new LinuxDevice { Path = "/dev/kmsg2", Type = "c", Major = 1, Minor = 11, FileMode = 438 }] });

        Outcome outcome = bundle.Script("cat /dev/kmsg2 | head -c 1").Run();

        Assert.Contains("Operation not permitted", outcome.Output, StringComparison.Ordinal);
    }
}
