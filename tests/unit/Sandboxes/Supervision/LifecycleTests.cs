using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Supervision;

public sealed class LifecycleTests
{
    [Fact]
    public void A_sandbox_boots_serves_and_stops()
    {
        SandboxStatus ready = SandboxLifecycle.Next(SandboxStatus.Booting, SandboxEvent.AgentAnswered);
        SandboxStatus stopping = SandboxLifecycle.Next(ready, SandboxEvent.StopRequested);

        Assert.Equal(SandboxStatus.Stopped, SandboxLifecycle.Next(stopping, SandboxEvent.MachineGone));
    }

    [Theory]
    [InlineData(SandboxStatus.Booting)]
    [InlineData(SandboxStatus.Ready)]
    [InlineData(SandboxStatus.Stopping)]
    [InlineData(SandboxStatus.Stopped)]
    internal void A_machine_may_be_gone_at_any_time(SandboxStatus from) =>
        Assert.Equal(SandboxStatus.Stopped, SandboxLifecycle.Next(from, SandboxEvent.MachineGone));

    [Theory]
    [InlineData(SandboxStatus.Ready)]
    [InlineData(SandboxStatus.Stopping)]
    [InlineData(SandboxStatus.Stopped)]
    internal void An_agent_answers_once(SandboxStatus from) =>
        Assert.Throws<InvalidOperationException>(() => SandboxLifecycle.Next(from, SandboxEvent.AgentAnswered));

    [Fact]
    public void A_process_that_ended_before_it_started_is_not_started() =>
        Assert.Throws<InvalidOperationException>(() => ProcessLifecycle.Next(ProcessStatus.Exited, ProcessEvent.Started));

    [Theory]
    [InlineData(ProcessStatus.Exited)]
    [InlineData(ProcessStatus.Finished)]
    internal void An_end_reported_twice_changes_nothing(ProcessStatus from) =>
        Assert.Equal(from, ProcessLifecycle.Next(from, ProcessEvent.GuestExited));

    [Fact]
    public void The_first_exit_code_stays()
    {
        var process = new SandboxProcess("", terminal: false);

        process.Ended(3);
        process.Ended(137);

        Assert.Equal(3, process.ExitCode);
    }
}
