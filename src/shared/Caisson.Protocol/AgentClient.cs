using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.Protocol;

/// <summary>The host's view of an agent: one method per call, each with its timeout. Failures are <see cref="TtrpcException"/>s.</summary>
public sealed class AgentClient : IAsyncDisposable
{
    // An entry of a list may be two bytes here and a hundred in memory, so what holds lists is far shorter than a frame can be. Own limit:
    // 1024 routes of IPv6, each with everything that a route has, are 160 KB.
    private const int MaxListBytes = 192 * 1024;

    private readonly TtrpcClient _client;
    private readonly AgentTimeouts _timeouts;

    /// <summary>Talks over a connection.</summary>
    /// <param name="client">The connection; owned by this object.</param>
    /// <param name="timeouts">Kata's defaults when absent.</param>
    public AgentClient(TtrpcClient client, AgentTimeouts? timeouts = null)
    {
        _client = client;
        _timeouts = timeouts ?? new AgentTimeouts();
    }

    /// <summary>Completes with the reason when the connection has ended.</summary>
    public Task<string> Closed => _client.Closed;

    /// <summary>Is the agent serving?</summary>
    public Task<HealthCheckResponse> CheckAsync(CheckRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Health, "Check", request, HealthCheckResponse.Parser, _timeouts.Check, cancellationToken);

    /// <summary>Asks for the agent's version.</summary>
    public Task<VersionCheckResponse> VersionAsync(CheckRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Health, "Version", request, VersionCheckResponse.Parser, _timeouts.Check, cancellationToken);

    /// <summary>Prepares the guest: hostname, DNS, shared storage.</summary>
    public Task CreateSandboxAsync(CreateSandboxRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "CreateSandbox", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Ends the guest: the agent syncs and powers off.</summary>
    public Task DestroySandboxAsync(DestroySandboxRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "DestroySandbox", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Makes a container, up to the point where its program would start.</summary>
    public Task CreateContainerAsync(CreateContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "CreateContainer", request, Empty.Parser, _timeouts.Create, cancellationToken);

    /// <summary>Starts a created container's program.</summary>
    public Task StartContainerAsync(StartContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "StartContainer", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Removes a container, and its exit code with it. The agent's own limit, where one is asked for, comes on top of the call's.</summary>
    public Task RemoveContainerAsync(RemoveContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "RemoveContainer", request, Empty.Parser, _timeouts.Default + TimeSpan.FromSeconds(request.Timeout), cancellationToken);

    /// <summary>Starts a further process in a container.</summary>
    public Task ExecProcessAsync(ExecProcessRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ExecProcess", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Sends a signal; an empty exec_id means the whole container.</summary>
    public Task SignalProcessAsync(SignalProcessRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "SignalProcess", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Waits for a process's exit code, for ever.</summary>
    public Task<WaitProcessResponse> WaitProcessAsync(WaitProcessRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "WaitProcess", request, WaitProcessResponse.Parser, null, cancellationToken);

    /// <summary>Lists a container's processes in the guest.</summary>
    public Task<ListProcessesResponse> ListProcessesAsync(ListProcessesRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ListProcesses", request, ListProcessesResponse.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Changes a container's limits.</summary>
    public Task UpdateContainerAsync(UpdateContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "UpdateContainer", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Reads a container's statistics.</summary>
    public Task<StatsContainerResponse> StatsContainerAsync(StatsContainerRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "StatsContainer", request, StatsContainerResponse.Parser, cancellationToken);

    /// <summary>Freezes a container.</summary>
    public Task PauseContainerAsync(PauseContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "PauseContainer", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Thaws a container.</summary>
    public Task ResumeContainerAsync(ResumeContainerRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ResumeContainer", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Writes to a process's stdin; waits while it does not read.</summary>
    public Task<WriteStreamResponse> WriteStdinAsync(WriteStreamRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "WriteStdin", request, WriteStreamResponse.Parser, null, cancellationToken);

    /// <summary>Reads a process's stdout; waits until there is something, or its end.</summary>
    public Task<ReadStreamResponse> ReadStdoutAsync(ReadStreamRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ReadStdout", request, ReadStreamResponse.Parser, null, cancellationToken);

    /// <summary>Reads a process's stderr; waits until there is something, or its end.</summary>
    public Task<ReadStreamResponse> ReadStderrAsync(ReadStreamRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ReadStderr", request, ReadStreamResponse.Parser, null, cancellationToken);

    /// <summary>Closes a process's stdin.</summary>
    public Task CloseStdinAsync(CloseStdinRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "CloseStdin", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Sets the size of a process's terminal.</summary>
    public Task TtyWinResizeAsync(TtyWinResizeRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "TtyWinResize", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Waits until a container hits its memory limit.</summary>
    public Task<OOMEvent> GetOOMEventAsync(GetOOMEventRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "GetOOMEvent", request, OOMEvent.Parser, null, cancellationToken);

    /// <summary>Asks what guest and agent can do.</summary>
    public Task<GuestDetailsResponse> GetGuestDetailsAsync(GuestDetailsRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "GetGuestDetails", request, GuestDetailsResponse.Parser, cancellationToken);

    /// <summary>Sets the guest's clock.</summary>
    public Task SetGuestDateTimeAsync(SetGuestDateTimeRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "SetGuestDateTime", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Adds entropy to the guest's kernel.</summary>
    public Task ReseedRandomDevAsync(ReseedRandomDevRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "ReseedRandomDev", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Copies a file, or a piece of one, into the guest's share.</summary>
    public Task CopyFileAsync(CopyFileRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "CopyFile", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Finds an interface by its hardware address and gives it its name, addresses and MTU.</summary>
    public Task<Interface> UpdateInterfaceAsync(UpdateInterfaceRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "UpdateInterface", request, Interface.Parser, cancellationToken);

    /// <summary>Lists the guest's interfaces.</summary>
    public Task<Interfaces> ListInterfacesAsync(ListInterfacesRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "ListInterfaces", request, Interfaces.Parser, cancellationToken);

    /// <summary>Replaces all routes but the kernel's own.</summary>
    public Task<Routes> UpdateRoutesAsync(UpdateRoutesRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "UpdateRoutes", request, Routes.Parser, cancellationToken);

    /// <summary>Lists the guest's routes.</summary>
    public Task<Routes> ListRoutesAsync(ListRoutesRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Agent, "ListRoutes", request, Routes.Parser, cancellationToken);

    /// <summary>Adds permanent neighbours.</summary>
    public Task AddARPNeighborsAsync(AddARPNeighborsRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Agent, "AddARPNeighbors", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>The host has recorded an exec's exit code; the agent may forget it.</summary>
    public Task AcknowledgeExitAsync(AcknowledgeExitRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "AcknowledgeExit", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Waits for output of an exec, or for the end of it and of its output.</summary>
    public Task<FollowExecResponse> FollowExecAsync(FollowExecRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "FollowExec", request, FollowExecResponse.Parser, null, cancellationToken);

    /// <summary>Answers once what the guest wrote is in the host's files.</summary>
    public Task SyncAsync(SyncRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "Sync", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Waits until the guest's programs listen on other ports than those of the request.</summary>
    public Task<PortList> ListeningPortsAsync(PortList request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "ListeningPorts", request, PortList.Parser, null, cancellationToken);

    /// <summary>Connects to a port of the guest.</summary>
    public Task ConnectPortAsync(ConnectPortRequest request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "ConnectPort", request, Empty.Parser, _timeouts.Default, cancellationToken);

    /// <summary>Gives the answer to a query of DNS, and waits for the next query.</summary>
    public Task<DnsMessage> RelayDnsAsync(DnsMessage request, CancellationToken cancellationToken = default) =>
        CallAsync(AgentMethods.Extensions, "RelayDns", request, DnsMessage.Parser, null, cancellationToken);

    /// <summary>Lists containers and processes, for a supervisor that finds the agent running.</summary>
    public Task<ListContainersResponse> ListContainersAsync(ListContainersRequest request, CancellationToken cancellationToken = default) =>
        ListAsync(AgentMethods.Extensions, "ListContainers", request, ListContainersResponse.Parser, cancellationToken);

    /// <summary>Ends the connection; calls in flight fail as Unavailable.</summary>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private Task<TResponse> ListAsync<TRequest, TResponse>(
        string service, string method, TRequest request, MessageParser<TResponse> parser, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        _client.CallAsync(service, method, request, parser, _timeouts.Default, [], MaxListBytes, cancellationToken);

    private Task<TResponse> CallAsync<TRequest, TResponse>(
        string service, string method, TRequest request, MessageParser<TResponse> parser, TimeSpan? timeout, CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        _client.CallAsync(service, method, request, parser, timeout, cancellationToken);
}
