using Caisson.Linux;
using Caisson.Protocol.Control;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using WireKeeper = Caisson.Protocol.Control.Keeper;

namespace Caisson.Sandboxes;

/// <summary>A command's side of control.sock: one thread, one call at a time; failures are the supervisor's own words.</summary>
internal sealed class ControlClient : IDisposable
{
    // Bounds every command: the supervisor itself bounds what it asks of the guest by less (AgentTimeouts), and its error says which.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    // Cold boots under emulation on a loaded host were seen to take over 10 s.
    private static readonly TimeSpan s_bootPatience = TimeSpan.FromMinutes(3);

    private readonly BlockingTtrpcClient _client;

    private ControlClient(UnixSocket socket) => _client = new BlockingTtrpcClient(socket, "the sandbox's supervisor");

    /// <exception cref="SupervisorGoneException">Nobody listens.</exception>
    internal static ControlClient Connect(string sandboxDirectory)
    {
        if (!UnixSocket.TryConnect($"{sandboxDirectory}/control.sock", out UnixSocket? socket, out Errno why))
        {
            throw new SupervisorGoneException($"connect to {sandboxDirectory}/control.sock: {why.Describe()}");
        }

        return new ControlClient(socket);
    }

    internal void BeginBoot(BootRequest request) => _client.Begin(ControlService.Name, "Boot", request, s_bootPatience);

    internal BootResponse EndBoot() => Told(() => _client.End(BootResponse.Parser, s_bootPatience));

    internal void CreateContainer(CreateContainerRequest request) => Call("CreateContainer", request, s_bootPatience);

    internal void Commit(string containerId, WireKeeper keeper) => Call("Commit", new ContainerRequest { ContainerId = containerId, Keeper = keeper });

    internal void Start(string containerId) => Call("Start", new ContainerRequest { ContainerId = containerId });

    internal void Exec(ExecRequest request)
    {
        // Nobody knows when a paused container will be resumed.
        TimeSpan? patience = request.IgnorePaused ? null : s_patience;
        Told(() => _client.Call(ControlService.Name, "Exec", request, Empty.Parser, patience));
    }

    internal void Signal(string containerId, int signal, bool all) =>
        Call("Signal", new SignalRequest { ContainerId = containerId, Signal = (uint)signal, All = all });

    internal void Pause(string containerId) => Call("Pause", new ContainerRequest { ContainerId = containerId });

    internal void Resume(string containerId) => Call("Resume", new ContainerRequest { ContainerId = containerId });

    internal void Update(string containerId, byte[] resourcesJson) =>
        Call("Update", new UpdateRequest { ContainerId = containerId, ResourcesJson = ByteString.CopyFrom(resourcesJson) });

    internal void Delete(string containerId, bool force) => Call("Delete", new DeleteRequest { ContainerId = containerId, Force = force });

    internal byte[] Stats(string containerId) =>
        Told(() => _client.Call(ControlService.Name, "Stats", new ContainerRequest { ContainerId = containerId }, StatsResponse.Parser, s_patience))
            .AgentStats.ToByteArray();

    /// <summary>What can be polled for the answer to <see cref="BeginNextOom"/>.</summary>
    internal FileDescriptor Descriptor => _client.Descriptor;

    internal ulong CountOoms(string containerId) =>
        Told(() => _client.Call(ControlService.Name, "NextOom", new NextOomRequest { ContainerId = containerId }, NextOomResponse.Parser, s_patience)).Kills;

    internal void BeginNextOom(string containerId, ulong known) =>
        Told(() =>
        {
            _client.Begin(ControlService.Name, "NextOom", new NextOomRequest { ContainerId = containerId, Known = known });
            return known;
        });

    internal ulong EndNextOom() => Told(() => _client.End(NextOomResponse.Parser, s_patience)).Kills;

    internal byte[] ListProcesses(string containerId, string format, IReadOnlyList<string> arguments) =>
        Told(() => _client.Call(
            ControlService.Name,
            "ListProcesses",
            new ListProcessesRequest { ContainerId = containerId, Format = format, Arguments = { arguments } },
            ListProcessesResponse.Parser,
            s_patience)).Output.ToByteArray();

    internal NetworkListing ListNetwork(string containerId)
    {
        NetworkState state = Told(() => _client.Call(
            ControlService.Name, "ListNetwork", new ContainerRequest { ContainerId = containerId }, NetworkState.Parser, s_patience));
        return NetworkListing.Parse(state.Interfaces.ToByteArray(), state.Routes.ToByteArray());
    }

    /// <summary>Returns when the machine has an interface that the caller has moved into its namespace, or has it no more.</summary>
    internal void AwaitInterface(string containerId, string name, bool isThere) =>
        Call("AwaitInterface", new AwaitInterfaceRequest { ContainerId = containerId, Name = name, Present = isThere });

    public void Dispose() => _client.Dispose();

    private void Call(string method, IMessage request, TimeSpan? atMost = null) =>
        Told(() => _client.Call(ControlService.Name, method, request, Empty.Parser, atMost ?? s_patience));

    private static T Told<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (TtrpcException cause) when (cause.Code == TtrpcCode.Unavailable)
        {
            throw new SupervisorGoneException(cause.Message);
        }
        catch (TtrpcException cause) when (cause.Code == TtrpcCode.NotFound)
        {
            throw new NoSuchContainerException();
        }
        catch (TtrpcException cause)
        {
            throw new SandboxException(cause.Message, cause);
        }
    }
}

/// <summary>The sandbox's supervisor does not answer: it and its guardian were killed, or the sandbox has ended.</summary>
internal sealed class SupervisorGoneException(string reason)
    : SandboxException($"sandbox: {reason}: its supervisor is gone; `caisson delete --force` removes what is left");
