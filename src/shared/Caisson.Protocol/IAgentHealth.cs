namespace Caisson.Protocol;

/// <summary>What an agent serves as <c>grpc.Health</c>.</summary>
public interface IAgentHealth
{
    /// <summary>Is the agent serving?</summary>
    Task<HealthCheckResponse> CheckAsync(CheckRequest request, CancellationToken cancellationToken);

    /// <summary>Asks for the agent's version.</summary>
    Task<VersionCheckResponse> VersionAsync(CheckRequest request, CancellationToken cancellationToken);
}
