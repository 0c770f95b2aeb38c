using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Pods;

/// <summary>A sandbox's directory goes with the last container whose record names it, in whatever order they go.</summary>
public sealed class SandboxMembersTests : IDisposable
{
    private readonly string _top = Directory.CreateTempSubdirectory("caisson-members-").FullName;
    private readonly SandboxDirectory _sandbox;

    public SandboxMembersTests()
    {
        _sandbox = SandboxDirectory.Choose($"{_top}/run/sandboxes");
        _sandbox.Create();
    }

    public void Dispose() => Directory.Delete(_top, recursive: true);

    [Fact]
    public void Directory_goes_with_the_owner_where_nobody_else_is() => RequireGoneAfter(() => _sandbox.Leave(SandboxDirectory.Owner));

    [Fact]
    public void Directory_stays_for_a_member_that_is_left()
    {
        _sandbox.Enter("one");
        _sandbox.Enter("two");

        _sandbox.Leave(SandboxDirectory.Owner);
        _sandbox.Leave("two");
        _sandbox.Leave("two");

        Assert.True(Directory.Exists(_sandbox.Path));
        RequireGoneAfter(() => _sandbox.Leave("one"));
    }

    [Fact]
    public void Directory_stays_for_its_owner()
    {
        _sandbox.Enter("one");

        SandboxDirectory.LeaveBy(_sandbox.MemberPath("one"));

        Assert.True(Directory.Exists(_sandbox.Path));
        RequireGoneAfter(() => _sandbox.Leave(SandboxDirectory.Owner));
    }

    [Fact]
    public void Sandbox_that_is_gone_takes_no_member()
    {
        _sandbox.Leave(SandboxDirectory.Owner);

        Assert.Contains("has been deleted", Assert.Throws<SandboxException>(() => _sandbox.Enter("one")).Message);
    }

    private void RequireGoneAfter(Action leave)
    {
        leave();
        Assert.False(Directory.Exists(_sandbox.Path));
    }
}
