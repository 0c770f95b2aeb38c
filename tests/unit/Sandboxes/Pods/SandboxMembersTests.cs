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

    // As containerd deletes the containers of a pod whose shim was killed: each by a command of its own, all at once.
    [Fact]
    public void All_who_leave_at_the_same_moment_leave_well()
    {
        const int Leaving = 4;
        for (int round = 0; round < 200; round++)
        {
            SandboxDirectory sandbox = SandboxDirectory.Of(_top, $"{round:x16}");
            Directory.CreateDirectory($"{sandbox.Path}/members");
            for (int i = 0; i < Leaving; i++)
            {
                sandbox.Enter($"c{i}");
                for (int j = 0; j < 6; j++)
                {
                    Directory.CreateDirectory($"{sandbox.Path}/d{i}/e{j}");
                    File.WriteAllText($"{sandbox.Path}/d{i}/e{j}/file", "");
                }
            }

            var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
            using var begin = new Barrier(Leaving);
            Thread[] threads = [.. Enumerable.Range(0, Leaving).Select(i => new Thread(() =>
            {
                begin.SignalAndWait();
                try
                {
                    sandbox.Leave($"c{i}");
                }
                catch (Exception cause)
                {
                    failures.Enqueue(cause);
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());

            Assert.Empty(failures);
            Assert.False(Directory.Exists(sandbox.Path));
        }
    }
}
