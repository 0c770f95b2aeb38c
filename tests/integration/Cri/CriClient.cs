using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Caisson.Harness;
using Google.Protobuf;

namespace Caisson.IntegrationTests.Cri;

/// <summary>What the runtime answered instead of what was asked.</summary>
/// <param name="code">The status code (grpc/doc/statuscodes.md).</param>
/// <param name="message">Its words.</param>
public sealed class CriException(int code, string message) : Exception(message)
{
    internal const int DeadlineExceeded = 4;
    internal const int NotFound = 5;

    internal int Code { get; } = code;
}

/// <summary>
/// kubelet's side of the Container Runtime Interface: unary calls of gRPC over HTTP/2 on a unix socket (grpc/doc/PROTOCOL-HTTP2.md).
/// </summary>
internal sealed class CriClient : IDisposable
{
    private const int PrefixBytes = 5;      // "not compressed", and the length

    private readonly HttpClient _http;

    internal CriClient(string socket)
    {
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancellationToken) => ConnectAsync(socket, cancellationToken) })
        {
            BaseAddress = new Uri("http://localhost/"),
            Timeout = Deadline.Patience,
        };
    }

    public void Dispose() => _http.Dispose();

    internal string RunPod(PodConfig config, string handler) =>
        Runtime("RunPodSandbox", new RunPodRequest { Config = config, RuntimeHandler = handler }, PodReply.Parser).PodId;

    internal void StopPod(string id) => Runtime("StopPodSandbox", new IdRequest { Id = id }, Nothing.Parser);

    internal void RemovePod(string id) => Runtime("RemovePodSandbox", new IdRequest { Id = id }, Nothing.Parser);

    internal PodStatus PodStatus(string id) => Runtime("PodSandboxStatus", new IdRequest { Id = id }, PodStatusReply.Parser).Status;

    internal IReadOnlyList<Pod> Pods() => Runtime("ListPodSandbox", new ListPodsRequest(), ListPodsReply.Parser).Items;

    internal string CreateContainer(string pod, ContainerConfig config, PodConfig podConfig) =>
        Runtime("CreateContainer", new CreateContainerRequest { PodId = pod, Config = config, Pod = podConfig }, ContainerReply.Parser).ContainerId;

    internal void StartContainer(string id) => Runtime("StartContainer", new IdRequest { Id = id }, Nothing.Parser);

    internal void StopContainer(string id, long graceSeconds) =>
        Runtime("StopContainer", new StopContainerRequest { ContainerId = id, Timeout = graceSeconds }, Nothing.Parser);

    internal void RemoveContainer(string id) => Runtime("RemoveContainer", new IdRequest { Id = id }, Nothing.Parser);

    internal void UpdateContainer(string id, Resources resources) =>
        Runtime("UpdateContainerResources", new UpdateRequest { ContainerId = id, Linux = resources }, Nothing.Parser);

    internal void ReopenLog(string id) => Runtime("ReopenContainerLog", new IdRequest { Id = id }, Nothing.Parser);

    internal ContainerStatus ContainerStatus(string id) => Runtime("ContainerStatus", new IdRequest { Id = id }, ContainerStatusReply.Parser).Status;

    internal ContainerStats ContainerStats(string id) => Runtime("ContainerStats", new IdRequest { Id = id }, ContainerStatsReply.Parser).Stats;

    internal IReadOnlyList<Container> Containers(string pod) =>
        Runtime("ListContainers", new ListContainersRequest { Filter = new ContainerFilter { PodId = pod } }, ListContainersReply.Parser).Containers;

    internal ExecSyncReply Exec(string id, long timeoutSeconds, params string[] command) =>
        Runtime("ExecSync", new ExecSyncRequest { ContainerId = id, Timeout = timeoutSeconds, Cmd = { command } }, ExecSyncReply.Parser);

    internal Uri ExecUrl(ExecRequest request) => new(Runtime("Exec", request, UrlReply.Parser).Url);

    internal Uri AttachUrl(AttachRequest request) => new(Runtime("Attach", request, UrlReply.Parser).Url);

    internal Uri PortForwardUrl(string pod, int port) =>
        new(Runtime("PortForward", new PortForwardRequest { PodId = pod, Port = { port } }, UrlReply.Parser).Url);

    internal bool HasImage(string name) =>
        Call("runtime.v1.ImageService/ImageStatus", new ImageStatusRequest { Image = new Image { Image_ = name } }, ImageStatusReply.Parser).Image is not null;

    /// <summary>Whether the plugin has begun, and runtime and network are ready.</summary>
    internal bool IsReady()
    {
        try
        {
            return Runtime("Status", new RuntimeStatusRequest(), RuntimeStatusReply.Parser).Status.Conditions.All(condition => condition.Status);
        }
        catch (CriException cause) when (cause.Message.Contains("not initialized yet", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private T Runtime<T>(string method, IMessage request, MessageParser<T> parser)
        where T : IMessage<T> => Call($"runtime.v1.RuntimeService/{method}", request, parser);

    private T Call<T>(string path, IMessage request, MessageParser<T> parser)
        where T : IMessage<T> => Task.Run(() => CallAsync(path, request, parser)).GetAwaiter().GetResult();

    private async Task<T> CallAsync<T>(string path, IMessage request, MessageParser<T> parser)
        where T : IMessage<T>
    {
        byte[] body = new byte[PrefixBytes + request.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(1), (uint)(body.Length - PrefixBytes));
        request.ToByteArray().CopyTo(body, PrefixBytes);
        using var message = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        message.Headers.Add("te", "trailers");
        using HttpResponseMessage response = await _http.SendAsync(message);
        byte[] answer = await response.Content.ReadAsByteArrayAsync();
        RequireSuccess(response);
        return parser.ParseFrom(answer, PrefixBytes, answer.Length - PrefixBytes);
    }

    // An error without an answer comes in the headers ("trailers only").
    private static void RequireSuccess(HttpResponseMessage response)
    {
        HttpResponseHeaders status = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        int code = int.Parse(status.GetValues("grpc-status").Single());
        if (code != 0)
        {
            throw new CriException(code, Uri.UnescapeDataString(status.TryGetValues("grpc-message", out IEnumerable<string>? words) ? words.Single() : ""));
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
