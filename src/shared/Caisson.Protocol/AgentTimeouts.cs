namespace Caisson.Protocol;

/// <summary>How long calls of the agent may take. The defaults are Kata Containers'.</summary>
public sealed record AgentTimeouts
{
    /// <summary>Health checks.</summary>
    public TimeSpan Check { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>CreateContainer.</summary>
    public TimeSpan Create { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Everything else, but what waits for a container: WaitProcess, GetOOMEvent, ReadStdout, ReadStderr, FollowExec and WriteStdin have none.</summary>
    public TimeSpan Default { get; init; } = TimeSpan.FromSeconds(60);
}
