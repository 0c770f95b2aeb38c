using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson.Protocol;

/// <summary>Puts an agent's services into a ttrpc server.</summary>
public static class AgentServices
{
    private static readonly Empty s_empty = new();

    /// <summary>Registers <c>grpc.AgentService</c>.</summary>
    public static void Register(this TtrpcServer server, IAgentService service)
    {
        const string Name = AgentMethods.Agent;
        Acknowledge(server, Name, "CreateSandbox", CreateSandboxRequest.Parser, service.CreateSandboxAsync);
        server.Register(Name, "DestroySandbox", DestroySandboxRequest.Parser, async (request, context) =>
        {
            await service.DestroySandboxAsync(request, context.CancellationToken);
            context.WhenAnswered(service.SandboxDestroyedAsync);
            return s_empty;
        });
        Acknowledge(server, Name, "CreateContainer", CreateContainerRequest.Parser, service.CreateContainerAsync);
        Acknowledge(server, Name, "StartContainer", StartContainerRequest.Parser, service.StartContainerAsync);
        Acknowledge(server, Name, "RemoveContainer", RemoveContainerRequest.Parser, service.RemoveContainerAsync);
        Acknowledge(server, Name, "ExecProcess", ExecProcessRequest.Parser, service.ExecProcessAsync);
        Acknowledge(server, Name, "SignalProcess", SignalProcessRequest.Parser, service.SignalProcessAsync);
        Answer(server, Name, "WaitProcess", WaitProcessRequest.Parser, service.WaitProcessAsync);
        Answer(server, Name, "ListProcesses", ListProcessesRequest.Parser, service.ListProcessesAsync);
        Acknowledge(server, Name, "UpdateContainer", UpdateContainerRequest.Parser, service.UpdateContainerAsync);
        Answer(server, Name, "StatsContainer", StatsContainerRequest.Parser, service.StatsContainerAsync);
        Acknowledge(server, Name, "PauseContainer", PauseContainerRequest.Parser, service.PauseContainerAsync);
        Acknowledge(server, Name, "ResumeContainer", ResumeContainerRequest.Parser, service.ResumeContainerAsync);
        Answer(server, Name, "WriteStdin", WriteStreamRequest.Parser, service.WriteStdinAsync);
        Answer(server, Name, "ReadStdout", ReadStreamRequest.Parser, service.ReadStdoutAsync);
        Answer(server, Name, "ReadStderr", ReadStreamRequest.Parser, service.ReadStderrAsync);
        Acknowledge(server, Name, "CloseStdin", CloseStdinRequest.Parser, service.CloseStdinAsync);
        Acknowledge(server, Name, "TtyWinResize", TtyWinResizeRequest.Parser, service.TtyWinResizeAsync);
        Answer(server, Name, "GetOOMEvent", GetOOMEventRequest.Parser, service.GetOOMEventAsync);
        Answer(server, Name, "GetGuestDetails", GuestDetailsRequest.Parser, service.GetGuestDetailsAsync);
        Acknowledge(server, Name, "SetGuestDateTime", SetGuestDateTimeRequest.Parser, service.SetGuestDateTimeAsync);
        Acknowledge(server, Name, "ReseedRandomDev", ReseedRandomDevRequest.Parser, service.ReseedRandomDevAsync);
        Acknowledge(server, Name, "CopyFile", CopyFileRequest.Parser, service.CopyFileAsync);
        Answer(server, Name, "UpdateInterface", UpdateInterfaceRequest.Parser, service.UpdateInterfaceAsync);
        Answer(server, Name, "ListInterfaces", ListInterfacesRequest.Parser, service.ListInterfacesAsync);
        Answer(server, Name, "UpdateRoutes", UpdateRoutesRequest.Parser, service.UpdateRoutesAsync);
        Answer(server, Name, "ListRoutes", ListRoutesRequest.Parser, service.ListRoutesAsync);
        Acknowledge(server, Name, "AddARPNeighbors", AddARPNeighborsRequest.Parser, service.AddARPNeighborsAsync);
    }

    /// <summary>Registers <c>grpc.Health</c>.</summary>
    public static void Register(this TtrpcServer server, IAgentHealth service)
    {
        const string Name = AgentMethods.Health;
        Answer(server, Name, "Check", CheckRequest.Parser, service.CheckAsync);
        Answer(server, Name, "Version", CheckRequest.Parser, service.VersionAsync);
    }

    /// <summary>Registers <c>caisson.AgentExtensions</c>.</summary>
    public static void Register(this TtrpcServer server, IAgentExtensions service)
    {
        const string Name = AgentMethods.Extensions;
        Acknowledge(server, Name, "AcknowledgeExit", AcknowledgeExitRequest.Parser, service.AcknowledgeExitAsync);
        Answer(server, Name, "FollowExec", FollowExecRequest.Parser, service.FollowExecAsync);
        Acknowledge(server, Name, "Sync", SyncRequest.Parser, service.SyncAsync);
        Answer(server, Name, "ListeningPorts", PortList.Parser, service.ListeningPortsAsync);
        Acknowledge(server, Name, "ConnectPort", ConnectPortRequest.Parser, service.ConnectPortAsync);
        Answer(server, Name, "RelayDns", DnsMessage.Parser, service.RelayDnsAsync);
        Answer(server, Name, "ListContainers", ListContainersRequest.Parser, service.ListContainersAsync);
    }

    private static void Answer<TRequest, TResponse>(
        TtrpcServer server, string service, string method, MessageParser<TRequest> parser, Func<TRequest, CancellationToken, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        server.Register(service, method, parser, (request, context) => handler(request, context.CancellationToken));

    private static void Acknowledge<TRequest>(
        TtrpcServer server, string service, string method, MessageParser<TRequest> parser, Func<TRequest, CancellationToken, Task> handler)
        where TRequest : class, IMessage<TRequest> =>
        server.Register(service, method, parser, async (request, context) =>
        {
            await handler(request, context.CancellationToken);
            return s_empty;
        });
}
