using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

public sealed class ModuleTreeTests
{
    private static readonly ModuleGroup[] s_groups =
    [
        new("core", ["virtio", "virtio_pci"], Required: true),
        new("rng", ["virtio_rng"], Required: false),
        new("ext4", ["ext4"], Required: false),
        new("absent", ["nowhere"], Required: false),
    ];

    [Fact]
    public void Dependencies_come_first_and_core_is_not_named_again()
    {
        using TemporaryDirectory directory = Tree();
        GuestModules modules = GuestModules.Resolve(ModuleTree.Open(directory.Path), s_groups);
        Assert.Equal("core: 00-virtio.ko 01-virtio_ring.ko 02-virtio_pci.ko\nrng: 03-virtio_rng.ko\next4:\n", modules.OrderText());
        Assert.Equal(["absent"], modules.Missing);
    }

    [Fact]
    public void Missing_dependency_names_the_way_to_it()
    {
        using TemporaryDirectory directory = Tree();
        directory.Write("kernel/a.ko", ForeignElf.Module("depends=b"));
        var error = Assert.Throws<GuestImageException>(() => ModuleTree.Open(directory.Path).WithDependencies(["a"]));
        Assert.Contains("b is neither built in nor there as a module (needed by way of a -> b)", error.Message);
    }

    [Fact]
    public void Circle_of_modules_is_refused()
    {
        using TemporaryDirectory directory = Tree();
        directory.Write("kernel/a.ko", ForeignElf.Module("depends=b"));
        directory.Write("kernel/b.ko", ForeignElf.Module("depends=a"));
        var error = Assert.Throws<GuestImageException>(() => ModuleTree.Open(directory.Path).WithDependencies(["a"]));
        Assert.Contains("a -> b -> a", error.Message);
    }

    [Fact]
    public void Links_that_lead_out_of_the_tree_are_not_followed()
    {
        using TemporaryDirectory directory = Tree();
        using var elsewhere = new TemporaryDirectory();
        elsewhere.Write("evil.ko", ForeignElf.Module("depends="));
        Directory.CreateSymbolicLink(Path.Combine(directory.Path, "build"), elsewhere.Path);
        Assert.False(ModuleTree.Open(directory.Path).Has("evil"));
    }

    [Fact]
    public void Damaged_module_names_its_compression()
    {
        using TemporaryDirectory directory = Tree();
        directory.Write("kernel/a.ko.xz", [1]);
        Assert.Matches("`xz -dc` ended with|compressed with xz", Assert.Throws<GuestImageException>(() => ModuleTree.Open(directory.Path).WithDependencies(["a"])).Message);
    }

    [Fact]
    public void Every_changed_byte_of_a_module_gives_a_module_or_an_error()
    {
        byte[] module = ForeignElf.Module("depends=virtio", "vermagic=6.1.0 SMP");
        for (int at = 0; at < module.Length; at++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                byte[] changed = [.. module];
                changed[at] = value;
                try
                {
                    _ = ModuleFile.Parse("test", changed, "test.ko");
                }
                catch (GuestImageException)
                {
                    // The only exception that may come out.
                }
            }
        }
    }

    [Fact]
    public void Signature_is_cut_off_and_a_damaged_one_is_refused()
    {
        byte[] module = ForeignElf.Module("depends=virtio");
        byte[] mark = "~Module signature appended~\n"u8.ToArray();
        ModuleFile signed = ModuleFile.Parse("test", [.. module, 1, 2, 3, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, .. mark], "test.ko");
        signed.DropSignature();
        Assert.Equal(module, signed.Bytes);
        signed.DropSignature();
        Assert.Equal(module, signed.Bytes);

        ModuleFile damaged = ModuleFile.Parse("test", [.. module, 0, 0, 2, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, .. mark], "test.ko");
        Assert.Contains("signature", Assert.Throws<GuestImageException>(damaged.DropSignature).Message);
    }

    private static TemporaryDirectory Tree()
    {
        var directory = new TemporaryDirectory();
        directory.Write("kernel/virtio.ko", ForeignElf.Module("name=virtio", "depends="));
        directory.Write("kernel/virtio_ring.ko", ForeignElf.Module("depends=virtio"));
        directory.Write("kernel/virtio_pci.ko", ForeignElf.Module("depends=virtio_ring,virtio"));
        directory.Write("kernel/virtio-rng.ko", ForeignElf.Module("depends=virtio,virtio-ring"));
        directory.Write("modules.builtin", "kernel/fs/ext4/ext4.ko\n"u8.ToArray());
        return directory;
    }
}
