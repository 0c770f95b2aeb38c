using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

/// <summary>
/// Builds from Debian's own cloud kernel, which `./dev build` and `./dev test` unpack to out/cache/kernel. With "kernel" in
/// CAISSON_REQUIRE its absence fails; otherwise these tests are skipped where it was never fetched.
/// </summary>
public sealed class DebianKernelTests
{
    [Fact]
    public void Kernel_is_extracted_and_puts_the_same_bytes_into_memory()
    {
        string path = Directory.GetFiles(Path.Combine(Package(), "boot"), "vmlinuz-*").Single();
        byte[] file = File.ReadAllBytes(path);
        byte[] vmlinux = KernelPayload.Decompress(BzImage.Payload(file, path), path);

        using var written = new MemoryStream();
        LoadableKernel.Write(KernelElf.Parse(vmlinux, path), written);

        const int Memory = 128 << 20;
        Assert.True(ForeignElf.Load(vmlinux, Memory).AsSpan().SequenceEqual(ForeignElf.Load(written.ToArray(), Memory)));
        Assert.True(written.Length < vmlinux.Length, $"{written.Length} of {vmlinux.Length} bytes");
        Assert.Equal(Path.GetFileName(path)["vmlinuz-".Length..], BzImage.Release(file, path));
    }

    [Fact]
    public void Every_group_is_there_and_every_module_follows_what_it_needs()
    {
        GuestModules modules = GuestModules.Resolve(ModuleTree.Open(Directory.GetDirectories(Path.Combine(Package(), "lib/modules")).Single()));
        Assert.Empty(modules.Missing);
        var loaded = new HashSet<string>();
        foreach (ModuleFile module in modules.Modules)
        {
            Assert.All(module.Depends, needed => Assert.Contains(needed, loaded));
            loaded.Add(module.Name);
        }
    }

    [Fact]
    public void Building_twice_gives_the_same_bytes_within_the_budget_and_without_signatures()
    {
        using var directory = new TemporaryDirectory();
        var options = new GuestImageOptions
        {
            KernelImage = Package(),
            AgentPath = directory.Write("agent", [0x7f, .. "ELF"u8, 2, 1]),
            OutputDirectory = Path.Combine(directory.Path, "guest"),
        };
        GuestImageResult first = GuestImageBuilder.Build(options, _ => { });
        byte[][] bytes = [File.ReadAllBytes(first.KernelPath), File.ReadAllBytes(first.InitrdPath)];
        GuestImageResult second = GuestImageBuilder.Build(options with { Force = true }, _ => { });
        Assert.Equal(bytes[0], File.ReadAllBytes(second.KernelPath));
        Assert.Equal(bytes[1], File.ReadAllBytes(second.InitrdPath));

        byte[] mark = "~Module signature appended~"u8.ToArray();
        Assert.Equal(-1, bytes[1].AsSpan().IndexOf(mark));
        Assert.True(File.ReadAllBytes(GuestImageBuilder.Build(options with { KeepSignatures = true }, _ => { }).InitrdPath).AsSpan().IndexOf(mark) > 0);

        // The agent is at most 8 MB of the initrd's 10.
        Assert.True(bytes[1].Length < 2_500_000, $"the modules take {bytes[1].Length} bytes");
        Assert.NotEqual("", first.KernelRelease);
    }

    private static string Package()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Caisson.slnx")))
        {
            root = root.Parent;
        }

        string package = Path.Combine(root?.FullName ?? "/", "out/cache/kernel");
        bool required = (Environment.GetEnvironmentVariable("CAISSON_REQUIRE") ?? "").Split(',').Contains("kernel");
        Assert.True(Directory.Exists(package) || !required, $"{package} is missing: run ./dev build");
        Assert.SkipUnless(Directory.Exists(package), $"needs Debian's kernel in {package}: run ./dev build");
        return package;
    }
}
