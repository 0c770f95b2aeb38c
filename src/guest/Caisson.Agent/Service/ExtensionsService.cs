using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

/// <summary>caisson.AgentExtensions: what a host's supervisor needs that comes when the agent is running already.</summary>
internal sealed class ExtensionsService(GuestSandbox sandbox) : IAgentExtensions
{
    // Acknowledging twice, or what went with its container, is no error.
    public Task AcknowledgeExitAsync(AcknowledgeExitRequest request, CancellationToken cancellationToken)
    {
        if (request.ContainerId.Length == 0)
        {
            sandbox.Ports.Close(request.ExecId);
            return Task.CompletedTask;
        }

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

    public async Task<FollowExecResponse> FollowExecAsync(FollowExecRequest request, CancellationToken cancellationToken)
    {
        GuestContainer container = sandbox.Find(RequestFields.Id(request.ContainerId, "container_id"));
        GuestProcess process = container.Process(RequestFields.Id(request.ExecId, "exec_id"));
        FaultPoint.Hit(Fault.InRead);

        // Both in one answer, which is no larger than one of theirs.
        int length = (int)Math.Min(request.Len, OutputBuffer.MaxAnswerBytes / 2);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<OutputPart> output = process.Stdout.ReadAsync(request.StdoutOffset, length, enough.Token);
        Task<OutputPart> error = process.Stderr.ReadAsync(request.StderrOffset, length, enough.Token);
        try
        {
            await AnythingToTellAsync(process.Exit, output, error).WaitAsync(cancellationToken);
            return Describe(process, output, error);
        }
        finally
        {
            await enough.CancelAsync();
        }
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

    public async Task<PortList> ListeningPortsAsync(PortList request, CancellationToken cancellationToken)
    {
        if (request.Anew)
        {
            sandbox.Ports.CloseAll();
        }

        return new PortList { Ports = await ListeningPorts.ChangedAsync(request.Ports, cancellationToken) };
    }

    public Task ConnectPortAsync(ConnectPortRequest request, CancellationToken cancellationToken) =>
        sandbox.Ports.ConnectAsync(RequestFields.Id(request.Name, "name"), request.Port, cancellationToken);

    public Task<DnsMessage> RelayDnsAsync(DnsMessage request, CancellationToken cancellationToken) => sandbox.Dns.RelayAsync(request, cancellationToken);

    private static async Task AnythingToTellAsync(Task<int> exit, Task<OutputPart> output, Task<OutputPart> error)
    {
        var awaited = new List<Task>(3) { output, error, exit };
        while (awaited.Count > 0)
        {
            Task next = await Task.WhenAny(awaited);
            awaited.Remove(next);
            if (next is Task<OutputPart> part && (await part).Data.Length > 0)
            {
                return;
            }
        }
    }

    private static FollowExecResponse Describe(GuestProcess process, Task<OutputPart> output, Task<OutputPart> error)
    {
        OutputPart stdout = output.IsCompletedSuccessfully ? output.Result : default;
        OutputPart stderr = error.IsCompletedSuccessfully ? error.Result : default;
        bool exited = process.HasExited && stdout.AtEnd && stderr.AtEnd;
        return new FollowExecResponse
        {
            Stdout = UnsafeByteOperations.UnsafeWrap(stdout.Data ?? []),
            StdoutEof = stdout.AtEnd,
            Stderr = UnsafeByteOperations.UnsafeWrap(stderr.Data ?? []),
            StderrEof = stderr.AtEnd,
            Exited = exited,
            ExitStatus = exited ? process.Exit.Result : 0,
        };
    }
}
