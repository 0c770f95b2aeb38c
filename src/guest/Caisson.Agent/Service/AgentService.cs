using Caisson.Oci;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>grpc.AgentService: containers. Checks what the host sends, finds the container, and lets it do the work.</summary>
internal sealed partial class AgentService(GuestSandbox sandbox) : IAgentService
{
    public async Task CreateContainerAsync(CreateContainerRequest request, CancellationToken cancellationToken)
    {
        string id = RequestFields.Id(request.ContainerId, "container_id");
        RequestFields.Unsupported(request.Devices.Count > 0, "CreateContainer: devices");
        RequestFields.Unsupported(request.SandboxPidns, "CreateContainer: a pid namespace shared by the sandbox");
        RequestFields.Unsupported(request.SharedMounts.Count > 0, "CreateContainer: shared mounts");
        RequestFields.Unsupported((request.StdinPort | request.StdoutPort | request.StderrPort) != 0, "CreateContainer: ports for streams");
        OciSpec spec = SpecDecoding.Spec(request);
        await Blocking.Run(() => Create(id, spec, request.Storages));
    }

    public Task StartContainerAsync(StartContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        return Blocking.Run(container.Start);
    }

    public async Task RemoveContainerAsync(RemoveContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        await container.RemoveAsync(request.Timeout == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(request.Timeout));
        sandbox.Forget(container.Id);
        await Blocking.Run(() => Release(container.Storages));
    }

    public Task ExecProcessAsync(ExecProcessRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        string execId = RequestFields.Id(request.ExecId, "exec_id");
        RequestFields.Unsupported((request.StdinPort | request.StdoutPort | request.StderrPort) != 0, "ExecProcess: ports for streams");
        OciProcess process = SpecDecoding.Process(request);
        return Blocking.Run(() => container.Exec(execId, process));
    }

    public Task SignalProcessAsync(SignalProcessRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        string execId = RequestFields.OptionalId(request.ExecId);
        int signal = RequestFields.Signal(request.Signal);
        return Blocking.Run(() => container.Signal(execId, signal));
    }

    public async Task<WaitProcessResponse> WaitProcessAsync(WaitProcessRequest request, CancellationToken cancellationToken)
    {
        GuestProcess process = Process(request.ContainerId, request.ExecId);
        FaultPoint.Hit(Fault.InWait);
        var response = new WaitProcessResponse { Status = await process.Exit.WaitAsync(cancellationToken) };
        Falsify(response);
        return response;
    }

    public Task<ListProcessesResponse> ListProcessesAsync(ListProcessesRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        return Blocking.Run(() => new ListProcessesResponse
        {
            ProcessList = Google.Protobuf.ByteString.CopyFrom(ProcessTable.Format(container.Pids(), request.Format, request.Args)),
        });
    }

    public Task UpdateContainerAsync(UpdateContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        LinuxResources resources = SpecDecoding.Resources(request);
        return Blocking.Run(() => container.Update(resources));
    }

    public Task<StatsContainerResponse> StatsContainerAsync(StatsContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        return Blocking.Run(container.Stats);
    }

    public Task PauseContainerAsync(PauseContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        return Blocking.Run(container.Pause);
    }

    public Task ResumeContainerAsync(ResumeContainerRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = Find(request.ContainerId);
        return Blocking.Run(container.Resume);
    }

    public async Task<OOMEvent> GetOOMEventAsync(GetOOMEventRequest request, CancellationToken cancellationToken) =>
        new() { ContainerId = await sandbox.NextOomAsync(cancellationToken) };

    private GuestContainer Find(string containerId) => sandbox.Find(RequestFields.Id(containerId, "container_id"));

    private GuestProcess Process(string containerId, string execId) => Find(containerId).Process(RequestFields.OptionalId(execId));

    private void Create(string id, OciSpec spec, IEnumerable<Storage> storages)
    {
        var acquired = new List<string>();
        GuestContainer? container = null;
        try
        {
            foreach (Storage storage in storages)
            {
                acquired.Add(sandbox.Storages.Acquire(storage));
            }

            var made = new GuestContainer(sandbox, id, spec, acquired);
            sandbox.Add(made);
            container = made;
            container.Create();
        }
        catch
        {
            if (container is not null)
            {
                sandbox.Forget(id);
            }

            Release(acquired);
            throw;
        }
    }

    private void Release(IReadOnlyList<string> storages)
    {
        for (int i = storages.Count - 1; i >= 0; i--)
        {
            sandbox.Storages.Release(storages[i]);
        }
    }
}
