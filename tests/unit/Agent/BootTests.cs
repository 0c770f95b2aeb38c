using Caisson.Agent;

namespace Caisson.UnitTests.Agent;

public sealed class BootTests
{
    [Fact]
    public void Command_line_says_what_it_says()
    {
        Assert.Equal(new BootOptions(false, false, null), BootOptions.Parse("quiet console=ttyS0 panic=1\n"));
        Assert.Equal(new BootOptions(true, true, "in-create"), BootOptions.Parse("caisson.transport=vsock caisson.debug caisson.fault=in-create"));
        Assert.Equal(new BootOptions(false, false, null), BootOptions.Parse("caisson.transport=carrier-pigeon caisson.debug=0 xcaisson.debug"));
    }

    [Fact]
    public void Modules_are_listed_in_groups()
    {
        Dictionary<string, string[]> groups = ModuleGroups.Parse("core: 00-a.ko 01-b.ko\nvirtiofs: 02-c.ko\next4:\n\nnonsense\n");

        Assert.Equal(["core", "virtiofs", "ext4"], groups.Keys);
        Assert.Equal(["00-a.ko", "01-b.ko"], groups["core"]);
        Assert.Empty(groups["ext4"]);
    }
}
