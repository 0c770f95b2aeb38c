using System.Text;
using Caisson.GuestImage;

namespace Caisson.UnitTests.GuestImage;

public sealed class InitrdTests
{
    [Fact]
    public void Initrd_holds_the_agent_and_its_directories_parents_first()
    {
        List<(string Name, uint Mode, string Content)> entries = Entries(Image());
        string[] names = entries.Select(entry => entry.Name).ToArray();
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(("init", 0x81edu, "agent"), entries.Single(entry => entry.Name == "init"));
        Assert.Equal(0x2180u, entries.Single(entry => entry.Name == "dev/console").Mode);
        Assert.Equal(0x43ffu, entries.Single(entry => entry.Name == "tmp").Mode);
        Assert.Contains("core: 00-virtio.ko", entries.Single(entry => entry.Name == GuestModules.OrderFile).Content);
    }

    [Fact]
    public void Same_contents_give_the_same_bytes() => Assert.Equal(Image(), Image());

    [Fact]
    public void Sha256_agrees_with_the_framework_for_every_length_around_a_block()
    {
        byte[] bytes = new byte[300];
        Random.Shared.NextBytes(bytes);
        for (int count = 0; count <= bytes.Length; count++)
        {
            string expected = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(0, count)));
            Assert.Equal(expected, Sha256.Hex(bytes.AsSpan(0, count)));

            var inParts = new Sha256();
            inParts.Append(bytes.AsSpan(0, count / 3));
            inParts.Append(bytes.AsSpan(count / 3, count - (count / 3)));
            Assert.Equal(expected, inParts.Finish());
        }
    }

    private static byte[] Image()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("virtio.ko", ForeignElf.Module("depends="));
        GuestModules modules = GuestModules.Resolve(ModuleTree.Open(directory.Path), [new ModuleGroup("core", ["virtio"], Required: true)]);
        using var image = new MemoryStream();
        InitrdImage.Write(image, "agent"u8.ToArray(), modules);
        return image.ToArray();
    }

    private static List<(string Name, uint Mode, string Content)> Entries(byte[] image)
    {
        var entries = new List<(string Name, uint Mode, string Content)>();
        int at = 0;
        while (true)
        {
            Assert.Equal("070701", Encoding.ASCII.GetString(image, at, 6));
            int size = Convert.ToInt32(Encoding.ASCII.GetString(image, at + 54, 8), 16);
            int nameBytes = Convert.ToInt32(Encoding.ASCII.GetString(image, at + 94, 8), 16);
            string name = Encoding.ASCII.GetString(image, at + 110, nameBytes - 1);
            uint mode = Convert.ToUInt32(Encoding.ASCII.GetString(image, at + 14, 8), 16);
            int contentAt = Aligned(at + 110 + nameBytes);
            if (name == "TRAILER!!!")
            {
                Assert.Equal(image.Length, contentAt);
                return entries;
            }

            entries.Add((name, mode, Encoding.ASCII.GetString(image, contentAt, size)));
            at = Aligned(contentAt + size);
        }
    }

    private static int Aligned(int offset) => (offset + 3) & ~3;
}
