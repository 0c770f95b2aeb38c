
namespace Caisson.UnitTests.CommandLine;

public sealed class SizeTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1048576", 1048576)]
    [InlineData("64k", 65536)]
    [InlineData("64KB", 65536)]
    [InlineData("32MiB", 33554432)]
    [InlineData("1.5g", 1610612736)]
    [InlineData("1.m", 1048576)]
    [InlineData(".5k", 512)]
    [InlineData("0.1k", 102)]
    [InlineData("7.99999999999999999999p", 9007199254740992)]
    [InlineData("9007199254740993", 9007199254740993)]
    public void Sizes_are_read_as_docker_reads_them(string text, long bytes)
    {
        Assert.True(SizeText.TryParse(text, out long read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("12x")]
    [InlineData("-5")]
    [InlineData("k")]
    [InlineData(".")]
    [InlineData("1.2.3")]
    [InlineData("1e3")]
    [InlineData("8192p")]
    [InlineData("99999999999999999999p")]
    public void Anything_else_is_refused(string text) => Assert.False(SizeText.TryParse(text, out _));
}
