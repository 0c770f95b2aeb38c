using Caisson.Hypervisors;

namespace Caisson.UnitTests.Hypervisors;

public sealed class SharedLibrariesTests
{
    private const string Qemu = "/usr/bin/qemu-system-x86_64";

    [Fact]
    public void Finds_the_same_libraries_as_the_dynamic_linker()
    {
        var libraries = new SharedLibraries();
        libraries.Add(Qemu);

        var start = new System.Diagnostics.ProcessStartInfo("ldd", Qemu) { RedirectStandardOutput = true };
        using var ldd = System.Diagnostics.Process.Start(start)!;
        IEnumerable<string> expected = ldd.StandardOutput.ReadToEnd()
            .Split('\n')
            .Where(line => line.Contains('/'))
            .Select(line => Resolve(line.Split("=>")[^1].Trim().Split(' ')[0]));
        ldd.WaitForExit();

        Assert.Equal(expected.Order(StringComparer.Ordinal), libraries.Files.Select(Resolve).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_static_program_needs_nothing()
    {
        var libraries = new SharedLibraries();
        libraries.Add("/usr/bin/busybox");

        Assert.Empty(libraries.Files);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(200)]
    public void A_damaged_file_is_no_program_and_no_crash(int length)
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] whole = File.ReadAllBytes("/usr/bin/busybox")[..length];
            File.WriteAllBytes(path, whole);
            var libraries = new SharedLibraries();
            libraries.Add(path);

            Assert.Empty(libraries.Files);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Resolve(string path)
    {
        var start = new System.Diagnostics.ProcessStartInfo("realpath", path) { RedirectStandardOutput = true };
        using var realpath = System.Diagnostics.Process.Start(start)!;
        string resolved = realpath.StandardOutput.ReadToEnd().Trim();
        realpath.WaitForExit();
        return resolved;
    }
}
