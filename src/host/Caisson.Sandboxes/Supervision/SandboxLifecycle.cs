namespace Caisson.Sandboxes;

/// <summary>Where a sandbox's virtual machine is in its life. Persisted by name.</summary>
internal enum SandboxStatus
{
    /// <summary>The supervisor runs; the virtual machine does not yet answer.</summary>
    Booting,

    /// <summary>The agent answers: containers can be created.</summary>
    Ready,

    /// <summary>The last container is gone or the machine is being taken down.</summary>
    Stopping,

    /// <summary>Nothing of the sandbox runs any more; what remains are records.</summary>
    Stopped,
}

/// <summary>What happens to a sandbox.</summary>
internal enum SandboxEvent
{
    AgentAnswered,
    StopRequested,
    MachineGone,
}

/// <summary>The one transition function of sandboxes.</summary>
internal static class SandboxLifecycle
{
    //   Booting --AgentAnswered--> Ready --StopRequested--> Stopping --MachineGone--> Stopped
    //   Booting --StopRequested--> Stopping
    //   any state --MachineGone--> Stopped
    internal static SandboxStatus Next(SandboxStatus from, SandboxEvent happened) => (from, happened) switch
    {
        (SandboxStatus.Booting, SandboxEvent.AgentAnswered) => SandboxStatus.Ready,
        (SandboxStatus.Booting or SandboxStatus.Ready, SandboxEvent.StopRequested) => SandboxStatus.Stopping,
        (_, SandboxEvent.MachineGone) => SandboxStatus.Stopped,
        _ => throw new InvalidOperationException($"a {from} sandbox cannot take {happened}"),
    };
}
