using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.Sandboxes;

/// <summary>
/// A supervisor's side of one connection on control.sock. What the client created and did not commit is undone when the connection ends;
/// with the connection of the sandbox's creator, a sandbox without containers ends too.
/// </summary>
internal sealed class ControlService(Sandbox sandbox, DescriptorDesk desk, bool isCreator) : IAsyncDisposable
{
    /// <summary>The service's name on the wire.</summary>
    internal const string Name = "caisson.control.v1.Control";

    // The client's requests of one connection come one after the other; this guards against one that does not keep to it.
    private readonly Lock _lock = new();
    private readonly HashSet<string> _uncommitted = [];     // under _lock

    /// <summary>A server for this connection alone.</summary>
    internal TtrpcServer CreateServer()
    {
        var server = new TtrpcServer();
        server.Register(Name, "Boot", BootRequest.Parser, BootAsync);
        server.Register(Name, "CreateContainer", CreateContainerRequest.Parser, CreateContainerAsync);
        server.Register(Name, "Commit", ContainerRequest.Parser, CommitAsync);
        server.Register(Name, "Exec", ExecRequest.Parser, ExecAsync);
        Register(server, "Start", ContainerRequest.Parser, (request, stop) => sandbox.StartAsync(request.ContainerId, stop));
        Register(server, "Pause", ContainerRequest.Parser, (request, stop) => sandbox.PauseAsync(request.ContainerId, stop));
        Register(server, "Resume", ContainerRequest.Parser, (request, stop) => sandbox.ResumeAsync(request.ContainerId, stop));
        Register(server, "Delete", DeleteRequest.Parser, (request, stop) => sandbox.DeleteAsync(request.ContainerId, request.Force, stop));
        Register(server, "Signal", SignalRequest.Parser, (request, stop) =>
            sandbox.SignalAsync(request.ContainerId, request.ExecId, ControlRequests.SignalOf(request), request.All, stop));
        Register(server, "Update", UpdateRequest.Parser, (request, stop) =>
            sandbox.UpdateAsync(request.ContainerId, SpecReader.ParseResources(request.ResourcesJson.Span, "resources"), stop));
        server.Register(Name, "Stats", ContainerRequest.Parser, async (request, context) => new StatsResponse
        {
            AgentStats = ByteString.CopyFrom(await Translated(sandbox.StatsAsync(request.ContainerId, context.CancellationToken))),
        });
        server.Register(Name, "NextOom", NextOomRequest.Parser, async (request, context) => new NextOomResponse
        {
            Kills = await Translated(sandbox.NextOomAsync(request.ContainerId, request.HasKnown ? request.Known : null, context.CancellationToken)),
        });
        Register(server, "AwaitInterface", AwaitInterfaceRequest.Parser, (request, stop) =>
            sandbox.AwaitInterfaceAsync(request.ContainerId, request.Name, request.Present, stop));
        server.Register(Name, "ListNetwork", ContainerRequest.Parser, async (request, context) =>
        {
            (byte[] interfaces, byte[] routes) = await Translated(sandbox.ListNetworkAsync(request.ContainerId, context.CancellationToken));
            return new NetworkState { Interfaces = ByteString.CopyFrom(interfaces), Routes = ByteString.CopyFrom(routes) };
        });
        server.Register(Name, "ListProcesses", ListProcessesRequest.Parser, async (request, context) => new ListProcessesResponse
        {
            Output = ByteString.CopyFrom(await Translated(
                sandbox.ListProcessesAsync(request.ContainerId, request.Format, request.Arguments, context.CancellationToken))),
        });
        return server;
    }

    /// <summary>The connection has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        string[] abandoned;
        lock (_lock)
        {
            abandoned = [.. _uncommitted];
        }

        foreach (string containerId in abandoned)
        {
            await sandbox.AbandonAsync(containerId);
        }

        if (isCreator && sandbox.Count == 0)
        {
            await sandbox.StopAsync("the command that started it went away");
        }
    }

    private async Task<BootResponse> BootAsync(BootRequest request, TtrpcContext context)
    {
        MachinePlan plan = ControlRequests.PlanOf(request);
        if (request.Network is { } network)
        {
            plan = plan with { Network = ControlRequests.NetworkOf(network, desk.Take(network.DescriptorToken.Span)) };
        }

        GuestGreeting greeting = await Translated(sandbox.BootAsync(plan, context.CancellationToken));
        return new BootResponse { GuestKernel = greeting.KernelRelease, AgentVersion = greeting.AgentVersion };
    }

    private async Task<Empty> CreateContainerAsync(CreateContainerRequest request, TtrpcContext context)
    {
        lock (_lock)
        {
            _uncommitted.Add(request.ContainerId);
        }

        IReadOnlyList<FileFd> descriptors = desk.Take(request.DescriptorToken.Span);
        var mounts = new List<SharedMount>(descriptors.Count);
        try
        {
            OciSpec spec = SpecReader.Parse(request.ConfigJson.Span, "config.json");
            GuestSharing sharing = ControlRequests.SharingOf(request);
            foreach (PassedMount mount in request.Mounts)
            {
                mounts.Add(SharedMountOf(request.ContainerId, spec, mount, descriptors));
            }

            await Translated(sandbox.CreateContainerAsync(request.ContainerId, spec, mounts, sharing, context.CancellationToken));
        }
        finally
        {
            foreach (FileFd descriptor in descriptors)
            {
                descriptor.Dispose();
            }

            mounts.ForEach(static mount => mount.Source.Dispose());
        }

        return new Empty();
    }

    private static SharedMount SharedMountOf(string containerId, OciSpec spec, PassedMount mount, IReadOnlyList<FileFd> descriptors)
    {
        string name = ControlRequests.ShareNameOf(containerId, spec, mount, descriptors.Count);
        return new SharedMount(name, MountFd.FromNumber(descriptors[(int)mount.DescriptorIndex].Release()), mount.IsDirectory);
    }

    private Task<Empty> CommitAsync(ContainerRequest request, TtrpcContext context)
    {
        sandbox.Commit(request.ContainerId, ControlRequests.KeeperOf(request.Keeper), request.Keeper.Socket);
        lock (_lock)
        {
            _uncommitted.Remove(request.ContainerId);
        }

        return Task.FromResult(new Empty());
    }

    private async Task<Empty> ExecAsync(ExecRequest request, TtrpcContext context)
    {
        OciProcess process = SpecReader.ParseProcess(request.ProcessJson.Span, "process");
        await Translated(sandbox.ExecAsync(
            request.ContainerId, request.ExecId, process, ControlRequests.KeeperOf(request.Keeper), request.Keeper.Socket, request.IgnorePaused, context.CancellationToken));
        return new Empty();
    }

    private static void Register<TRequest>(
        TtrpcServer server, string method, MessageParser<TRequest> parser, Func<TRequest, CancellationToken, Task> handle)
        where TRequest : class, IMessage<TRequest> =>
        server.Register(Name, method, parser, async (request, context) =>
        {
            await Translated(handle(request, context.CancellationToken));
            return new Empty();
        });

    // The one mapping from our failures to statuses; the texts reach the user unchanged.
    private static async Task Translated(Task operation)
    {
        try
        {
            await operation;
        }
        catch (NoSuchContainerException cause)
        {
            throw new TtrpcException(TtrpcCode.NotFound, cause.Message, cause);
        }
        catch (SandboxException cause)
        {
            throw new TtrpcException(TtrpcCode.FailedPrecondition, cause.Message, cause);
        }
    }

    private static async Task<T> Translated<T>(Task<T> operation)
    {
        await Translated((Task)operation);
        return await operation;
    }
}
