using Caisson.Agent;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.UnitTests.Agent;

public sealed class ContainerPhaseTests
{
    [Fact]
    public void Life_goes_forward_and_through_pauses()
    {
        ContainerPhase phase = ContainerPhase.Creating;
        foreach (ContainerPhase next in (ContainerPhase[])
            [ContainerPhase.Created, ContainerPhase.Starting, ContainerPhase.Running, ContainerPhase.Paused, ContainerPhase.Running, ContainerPhase.Removing])
        {
            phase = ContainerPhases.Next(phase, next, hasEnded: false);
            Assert.Equal(next, phase);
        }
    }

    [Theory]
    [InlineData("Creating", "Starting", false)]
    [InlineData("Creating", "Removing", false)]
    [InlineData("Created", "Running", false)]
    [InlineData("Created", "Starting", true)]
    [InlineData("Running", "Starting", false)]
    [InlineData("Running", "Paused", true)]
    [InlineData("Running", "Running", false)]
    [InlineData("Paused", "Paused", false)]
    [InlineData("Paused", "Starting", false)]
    [InlineData("Removing", "Removing", false)]
    [InlineData("Removing", "Running", false)]
    public void Steps_that_make_no_sense_are_refused(string from, string to, bool hasEnded)
    {
        TtrpcException refused = Assert.Throws<TtrpcException>(
            () => ContainerPhases.Next(Enum.Parse<ContainerPhase>(from), Enum.Parse<ContainerPhase>(to), hasEnded));

        Assert.Equal(TtrpcCode.FailedPrecondition, refused.Code);
    }

    [Fact]
    public void Host_is_told_stopped_once_the_first_process_has_ended()
    {
        Assert.Equal(ContainerState.Stopped, ContainerPhase.Running.ToProtocol(hasEnded: true));
        Assert.Equal(ContainerState.Stopped, ContainerPhase.Created.ToProtocol(hasEnded: true));
        Assert.Equal(ContainerState.Paused, ContainerPhase.Paused.ToProtocol(hasEnded: false));
        Assert.Equal(ContainerState.Unknown, ContainerPhase.Creating.ToProtocol(hasEnded: false));
    }
}
