using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

public sealed class HostTests
{
    [Fact]
    public void Kernel_names_itself()
    {
        KernelIdentity kernel = KernelIdentity.Read();
        Assert.Equal("Linux", kernel.System);
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), kernel.Release);
        Assert.Equal("x86_64", kernel.Machine);
    }

    [Fact]
    public void Memory_and_uptime_are_told()
    {
        SystemLoad load = SystemLoad.Read();
        string total = File.ReadLines("/proc/meminfo").First();
        Assert.Contains($" {load.TotalMemory / 1024} kB", total, StringComparison.Ordinal);
        Assert.True(load.Uptime > TimeSpan.Zero && load.FreeMemory < load.TotalMemory && load.Tasks > 0);
    }

    [Fact]
    public void Entropy_is_taken() => EntropyPool.Add(new byte[32]);

    [Fact]
    public void File_that_is_no_module_is_refused()
    {
        using FileFd file = FileCalls.Open("/etc/passwd", OpenFlags.O_RDONLY);
        Assert.False(KernelModule.TryLoad(file, "", out Errno why));
        Assert.NotEqual(Errno.None, why);
    }
}
