using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes;

public sealed class ContainerLifecycleTests
{
    [Theory]
    [InlineData(ContainerStatus.Running, "cannot start an already running container")]
    [InlineData(ContainerStatus.Stopped, "cannot start a container that has stopped")]
    [InlineData(ContainerStatus.Paused, "cannot start a container in the paused state")]
    public void Only_a_created_container_starts(ContainerStatus from, string words) =>
        Assert.Equal(words, Assert.Throws<InvalidTransitionException>(() => ContainerLifecycle.Next(from, ContainerEvent.Start)).Message);

    [Fact]
    public void A_container_lives_through_all_its_states()
    {
        ContainerStatus status = ContainerStatus.Creating;
        foreach (ContainerEvent happened in (ContainerEvent[])
            [ContainerEvent.InitReady, ContainerEvent.Start, ContainerEvent.Pause, ContainerEvent.Resume, ContainerEvent.InitExited])
        {
            status = ContainerLifecycle.Next(status, happened);
        }

        Assert.Equal(ContainerStatus.Stopped, status);
    }

    [Fact]
    public void A_stopped_container_does_not_pause_or_resume()
    {
        Assert.Equal("container not running", Refusal(ContainerEvent.Pause));
        Assert.Equal("container not paused", Refusal(ContainerEvent.Resume));
    }

    private static string Refusal(ContainerEvent happened) =>
        Assert.Throws<InvalidTransitionException>(() => ContainerLifecycle.Next(ContainerStatus.Stopped, happened)).Message;
}
