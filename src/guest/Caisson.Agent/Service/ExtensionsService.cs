using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>caisson.AgentExtensions: what a host's supervisor needs that comes when the agent is running already.</summary>
internal sealed class ExtensionsService(GuestSandbox sandbox) : IAgentExtensions
{
    // Acknowledging twice, or what went with its container, is no error.
    public Task AcknowledgeExitAsync(AcknowledgeExitRequest request, CancellationToken cancellationToken)
    {
        string id = RequestFields.Id(request.ContainerId, "container_id");
        string execId = RequestFields.OptionalId(request.ExecId);
        foreach (GuestContainer container in sandbox.Containers)
        {
            if (container.Id == id)
            {
                return container.AcknowledgeExitAsync(execId);
            }
        }

        return Task.CompletedTask;
    }

    // Everything, not only the mounts that we made: the host's submounts are file systems of their own, mounted when first walked into.
    public Task SyncAsync(SyncRequest request, CancellationToken cancellationToken) => Blocking.Run(Machine.Sync);

    public Task<ListContainersResponse> ListContainersAsync(ListContainersRequest request, CancellationToken cancellationToken)
    {
        var response = new ListContainersResponse();
        foreach (GuestContainer container in sandbox.Containers)
        {
            response.Containers.Add(container.Describe());
        }

        return Task.FromResult(response);
    }
}
