namespace Caisson.Protocol;

/// <summary>What an agent serves as <c>grpc.AgentService</c>. Tokens are cancelled when the caller goes away or its time has passed; failures are <see cref="Ttrpc.TtrpcException"/>s.</summary>
public interface IAgentService
{
    /// <summary>Prepares the guest: hostname, DNS, shared storage.</summary>
    Task CreateSandboxAsync(CreateSandboxRequest request, CancellationToken cancellationToken);

    /// <summary>Ends everything in the guest; with <see cref="SandboxDestroyedAsync"/> the guest itself ends.</summary>
    Task DestroySandboxAsync(DestroySandboxRequest request, CancellationToken cancellationToken);

    /// <summary>The answer to <see cref="DestroySandboxAsync"/> has been written: the agent powers off.</summary>
    Task SandboxDestroyedAsync();

    /// <summary>Makes a container, up to the point where its program would start.</summary>
    Task CreateContainerAsync(CreateContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Starts a created container's program.</summary>
    Task StartContainerAsync(StartContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Removes a container, and its exit code with it.</summary>
    Task RemoveContainerAsync(RemoveContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Starts a further process in a container.</summary>
    Task ExecProcessAsync(ExecProcessRequest request, CancellationToken cancellationToken);

    /// <summary>Sends a signal; an empty exec_id means the whole container.</summary>
    Task SignalProcessAsync(SignalProcessRequest request, CancellationToken cancellationToken);

    /// <summary>Waits for a process's exit code, for ever.</summary>
    Task<WaitProcessResponse> WaitProcessAsync(WaitProcessRequest request, CancellationToken cancellationToken);

    /// <summary>Lists a container's processes in the guest.</summary>
    Task<ListProcessesResponse> ListProcessesAsync(ListProcessesRequest request, CancellationToken cancellationToken);

    /// <summary>Changes a container's limits.</summary>
    Task UpdateContainerAsync(UpdateContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a container's statistics.</summary>
    Task<StatsContainerResponse> StatsContainerAsync(StatsContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Freezes a container.</summary>
    Task PauseContainerAsync(PauseContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Thaws a container.</summary>
    Task ResumeContainerAsync(ResumeContainerRequest request, CancellationToken cancellationToken);

    /// <summary>Writes to a process's stdin; waits while it does not read.</summary>
    Task<WriteStreamResponse> WriteStdinAsync(WriteStreamRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a process's stdout; waits until there is something, or its end.</summary>
    Task<ReadStreamResponse> ReadStdoutAsync(ReadStreamRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a process's stderr; waits until there is something, or its end.</summary>
    Task<ReadStreamResponse> ReadStderrAsync(ReadStreamRequest request, CancellationToken cancellationToken);

    /// <summary>Closes a process's stdin.</summary>
    Task CloseStdinAsync(CloseStdinRequest request, CancellationToken cancellationToken);

    /// <summary>Sets the size of a process's terminal.</summary>
    Task TtyWinResizeAsync(TtyWinResizeRequest request, CancellationToken cancellationToken);

    /// <summary>Waits until a container hits its memory limit.</summary>
    Task<OOMEvent> GetOOMEventAsync(GetOOMEventRequest request, CancellationToken cancellationToken);

    /// <summary>Asks what guest and agent can do.</summary>
    Task<GuestDetailsResponse> GetGuestDetailsAsync(GuestDetailsRequest request, CancellationToken cancellationToken);

    /// <summary>Sets the guest's clock.</summary>
    Task SetGuestDateTimeAsync(SetGuestDateTimeRequest request, CancellationToken cancellationToken);

    /// <summary>Adds entropy to the guest's kernel.</summary>
    Task ReseedRandomDevAsync(ReseedRandomDevRequest request, CancellationToken cancellationToken);

    /// <summary>Copies a file, or a piece of one, into the guest's share.</summary>
    Task CopyFileAsync(CopyFileRequest request, CancellationToken cancellationToken);

    /// <summary>Finds an interface by its hardware address and gives it its name, addresses and MTU; answers with it as it is then.</summary>
    Task<Interface> UpdateInterfaceAsync(UpdateInterfaceRequest request, CancellationToken cancellationToken);

    /// <summary>Lists the guest's interfaces.</summary>
    Task<Interfaces> ListInterfacesAsync(ListInterfacesRequest request, CancellationToken cancellationToken);

    /// <summary>Replaces all routes but the kernel's own; answers with those that there are then.</summary>
    Task<Routes> UpdateRoutesAsync(UpdateRoutesRequest request, CancellationToken cancellationToken);

    /// <summary>Lists the guest's routes.</summary>
    Task<Routes> ListRoutesAsync(ListRoutesRequest request, CancellationToken cancellationToken);

    /// <summary>Adds permanent neighbours.</summary>
    Task AddARPNeighborsAsync(AddARPNeighborsRequest request, CancellationToken cancellationToken);
}
