namespace Caisson.Protocol;

/// <summary>What an agent serves as <c>caisson.AgentExtensions</c>, for re-attachment.</summary>
public interface IAgentExtensions
{
    /// <summary>The host has recorded an exec's exit code; the agent may forget it.</summary>
    Task AcknowledgeExitAsync(AcknowledgeExitRequest request, CancellationToken cancellationToken);

    /// <summary>Waits for output of an exec, or for the end of it and of its output.</summary>
    Task<FollowExecResponse> FollowExecAsync(FollowExecRequest request, CancellationToken cancellationToken);

    /// <summary>Answers once what the guest wrote is in the host's files.</summary>
    Task SyncAsync(SyncRequest request, CancellationToken cancellationToken);

    /// <summary>Waits until the guest's programs listen on other ports than those of the request.</summary>
    Task<PortList> ListeningPortsAsync(PortList request, CancellationToken cancellationToken);

    /// <summary>Connects to a port of the guest.</summary>
    Task ConnectPortAsync(ConnectPortRequest request, CancellationToken cancellationToken);

    /// <summary>Takes the answer to a query of DNS, and waits for the next query.</summary>
    Task<DnsMessage> RelayDnsAsync(DnsMessage request, CancellationToken cancellationToken);

    /// <summary>Lists containers and processes, for a supervisor that finds the agent running.</summary>
    Task<ListContainersResponse> ListContainersAsync(ListContainersRequest request, CancellationToken cancellationToken);
}
