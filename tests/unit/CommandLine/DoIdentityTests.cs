using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.CommandLine;

public sealed class DoIdentityTests
{
    [Fact]
    public void A_caller_who_is_root_is_root_of_a_user_namespace_only()
    {
        DoIdentity identity = DoIdentity.Decide(user: null, allFiles: false);

        Assert.True(identity.IsMapped);
        Assert.False(identity.ReadsAll);
        Assert.Equal(0u, identity.UserId);
    }

    [Fact]
    public void All_files_makes_it_the_host_s_root_as_far_as_files_go()
    {
        DoIdentity identity = DoIdentity.Decide(user: "root", allFiles: true);

        Assert.False(identity.IsMapped);
        Assert.True(identity.ReadsAll);
    }

    [Fact]
    public void Another_user_is_itself_without_a_user_namespace()
    {
        DoIdentity identity = DoIdentity.Decide("nobody", allFiles: false);

        Assert.False(identity.IsMapped);
        Assert.NotEqual(0u, identity.UserId);
    }

    [Fact]
    public void Numbers_are_taken_where_there_is_no_name() =>
        Assert.Equal((54321u, 54322u), (DoIdentity.Decide("54321:54322", false).UserId, DoIdentity.Decide("54321:54322", false).GroupId));

    [Theory]
    [InlineData("no-such-user")]
    [InlineData("1:x")]
    [InlineData("-1")]
    public void A_user_that_is_none_is_an_error(string user) => Assert.Throws<SandboxException>(() => DoIdentity.Decide(user, false));

    [Fact]
    public void Root_of_a_user_namespace_enters_what_everybody_may_enter()
    {
        DoIdentity identity = DoIdentity.Decide(null, false);
        string place = Directory.CreateTempSubdirectory("caisson-do-").FullName;
        try
        {
            FileCalls.ChangeMode(place, 0x1C0);
            Assert.False(identity.MayEnter(FileCalls.Stat(place)));
            Assert.True(DoIdentity.Decide(null, allFiles: true).MayEnter(FileCalls.Stat(place)));

            FileCalls.ChangeMode(place, 0x1C1);
            Assert.True(identity.MayEnter(FileCalls.Stat(place)));
        }
        finally
        {
            Directory.Delete(place);
        }
    }
}
