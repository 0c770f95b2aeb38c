using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>grpc.Health.</summary>
internal sealed class HealthService(GuestSandbox sandbox) : IAgentHealth
{
    /// <summary>The product's version, as the host's half has it.</summary>
    internal static string AgentVersion { get; } = typeof(HealthService).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public Task<HealthCheckResponse> CheckAsync(CheckRequest request, CancellationToken cancellationToken)
    {
        sandbox.PrepareInBackground();
        return Task.FromResult(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving });
    }

    /// <summary>
    /// Our use of the field grpc_version, which means nothing over ttrpc: the guest kernel's release. The host shows it, and it proves
    /// without a container that another kernel runs.
    /// </summary>
    public Task<VersionCheckResponse> VersionAsync(CheckRequest request, CancellationToken cancellationToken)
    {
        sandbox.PrepareInBackground();
        return Task.FromResult(new VersionCheckResponse
        {
            GrpcVersion = SmallFile.ReadText("/proc/sys/kernel/osrelease").TrimEnd('\n'),
            AgentVersion = AgentVersion,
        });
    }
}
