using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class ContainerIdTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("A_b-c.d+e,f")]
    [InlineData("...")]
    [InlineData("0123456789abcdef")]
    public void Runcs_characters_are_allowed(string id) => ContainerId.Check(id);

    [Theory]
    [InlineData("a/b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    [InlineData("a\n")]
    public void Anything_else_is_an_invalid_format(string id) =>
        Assert.Equal("invalid container ID format", Assert.Throws<SandboxException>(() => ContainerId.Check(id)).Message);

    [Fact]
    public void The_empty_id_is_told_apart() =>
        Assert.Equal("container id cannot be empty", Assert.Throws<SandboxException>(() => ContainerId.Check("")).Message);

    [Fact]
    public void An_id_can_name_a_directory_and_a_cgroup()
    {
        ContainerId.Check(new string('a', 240));
        Assert.Throws<SandboxException>(() => ContainerId.Check(new string('a', 241)));
    }
}
