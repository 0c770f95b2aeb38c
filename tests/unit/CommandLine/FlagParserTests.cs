
namespace Caisson.UnitTests.CommandLine;

public sealed class FlagParserTests
{
    private static readonly Flag[] s_flags =
    [
        Flag.Text("bundle", "DIR", "", 'b'),
        Flag.Switch("force", "", 'f'),
        Flag.Switch("tty", "", 't'),
        Flag.List("env", "NAME=VALUE", "", 'e'),
        Flag.Number("preserve-fds", ""),
        Flag.Text("resources", "FILE", "", 'r'),
    ];

    [Theory]
    [InlineData("--bundle", "/b")]
    [InlineData("-bundle", "/b")]
    [InlineData("-b", "/b")]
    [InlineData("--bundle=/b")]
    [InlineData("-b=/b")]
    [InlineData("-bundle=/b")]
    public void A_value_may_follow_as_a_word_or_after_an_equals_sign(params string[] words)
    {
        FlagParser parser = Parse([.. words, "id"]);

        Assert.Equal("/b", parser.Values.Text("bundle"));
        Assert.Equal(["id"], parser.Arguments);
    }

    [Fact]
    public void Flags_may_follow_the_arguments()
    {
        FlagParser parser = Parse("id", "--force", "KILL");

        Assert.True(parser.Values.IsSet("force"));
        Assert.Equal(["id", "KILL"], parser.Arguments);
    }

    [Fact]
    public void Where_another_program_follows_its_flags_are_left_alone()
    {
        var parser = new FlagParser(s_flags, stopsAtFirstArgument: true);

        parser.Parse(["-t", "id", "ls", "-f", "--bundle"]);

        Assert.True(parser.Values.IsSet("tty"));
        Assert.False(parser.Values.IsSet("force"));
        Assert.Equal(["id", "ls", "-f", "--bundle"], parser.Arguments);
    }

    [Fact]
    public void Two_dashes_end_the_flags() => Assert.Equal(["-f", "--", "x"], Parse("--", "-f", "--", "x").Arguments);

    [Fact]
    public void A_lone_dash_is_a_value_or_an_argument()
    {
        FlagParser parser = Parse("--resources", "-", "id");

        Assert.Equal("-", parser.Values.Text("resources"));
        Assert.Equal(["id"], parser.Arguments);
    }

    [Fact]
    public void A_switch_can_be_said_to_be_false() => Assert.False(Parse("--force=false").Values.IsSet("force"));

    [Fact]
    public void The_last_value_wins_and_a_list_keeps_all()
    {
        FlagParser parser = Parse("-b", "x", "-b", "y", "-e", "A=1", "--env=B=2");

        Assert.Equal("y", parser.Values.Text("bundle"));
        Assert.Equal(["A=1", "B=2"], parser.Values.List("env"));
    }

    [Fact]
    public void Short_switches_may_be_joined()
    {
        FlagParser parser = Parse("-tf");

        Assert.True(parser.Values.IsSet("tty"));
        Assert.True(parser.Values.IsSet("force"));
    }

    [Theory]
    [InlineData("flag provided but not defined: -bogus", "--bogus")]
    [InlineData("flag provided but not defined: -tb", "-tb")]
    [InlineData("flag needs an argument: -b", "-b")]
    [InlineData("invalid value \"x\" for flag -preserve-fds: parse error", "--preserve-fds=x")]
    [InlineData("invalid boolean value \"maybe\" for -force: parse error", "--force=maybe")]
    public void What_is_wrong_is_said_in_runcs_words(string message, params string[] words) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Parse(words)).Message);

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-help")]
    public void Help_is_given_whatever_follows(string word) => Assert.True(Parse(word, "--bogus").WantsHelp);

    private static FlagParser Parse(params string[] words)
    {
        var parser = new FlagParser(s_flags, stopsAtFirstArgument: false);
        parser.Parse(words);
        return parser;
    }
}
