using Caisson.Oci;
using Caisson.Sandboxes;
using Caisson.UnitTests.Linux;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class TmpfsModesTests
{
    [Theory]
    [InlineData("/missing", "size=1k", "size=1k mode=1777")]
    [InlineData("/there", "size=1k", "size=1k")]
    [InlineData("/link", "", "")]                 // leads to /there, within the root
    [InlineData("/missing", "mode=700", "mode=700")]
    [InlineData("/dev", "", "")]
    public void Tmpfs_over_nothing_is_open_to_all_as_on_the_host(string destination, string options, string settled)
    {
        using var rootfs = new Scratch();
        Directory.CreateDirectory(rootfs["there"]);
        File.CreateSymbolicLink(rootfs["link"], "/there");
        OciSpec spec = DefaultSpec.Create(rootless: false) with
        {
            Mounts = [new OciMount { Destination = destination, Type = "tmpfs", Source = "tmpfs", Options = [.. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)] }],
        };

        OciMount mount = Assert.Single(TmpfsModes.Settle(spec, rootfs.Path).Mounts);

        Assert.Equal(settled, string.Join(' ', mount.Options));
    }
}
