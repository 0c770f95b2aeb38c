using System.Threading.Channels;
using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>
/// Tells containerd what happened, in the order in which it was said. While containerd is away events wait, up to a limit; it reads the
/// state of each container when it is back, so what is dropped then is late news only.
/// </summary>
internal sealed class TaskEvents : IAsyncDisposable
{
    private const string Service = "containerd.services.events.ttrpc.v1.Events";
    private const int MostWaiting = 4096;
    private const int Attempts = 10;
    private static readonly TimeSpan s_answerPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<Envelope> _waiting = Channel.CreateBounded<Envelope>(
        new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly string? _socket;
    private readonly string _namespace;
    private readonly ShimLog _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sending;
    private TtrpcClient? _client;       // the sending task's

    internal TaskEvents(string? address, string containerdNamespace, ShimLog log)
    {
        _socket = address is null ? null : ShimPlace.SocketOf(address);
        _namespace = containerdNamespace;
        _log = log;
        _sending = Task.Run(SendAllAsync);
    }

    internal void Publish(string topic, string type, IMessage happened) => _waiting.Writer.TryWrite(new Envelope
    {
        Timestamp = Timestamp.FromDateTime(DateTime.UtcNow),
        Namespace = _namespace,
        Topic = topic,
        Event = new Any { TypeUrl = $"containerd.events.{type}", Value = happened.ToByteString() },
    });

    /// <summary>Sends what waits, and ends. A containerd that is not there is not waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _ending.CancelAsync();
        await _sending;
        _ending.Dispose();
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }
    }

    private async Task SendAllAsync()
    {
        await foreach (Envelope envelope in _waiting.Reader.ReadAllAsync())
        {
            await SendAsync(envelope);
        }
    }

    private async Task SendAsync(Envelope envelope)
    {
        if (_socket is null)
        {
            return;
        }

        for (int attempt = 1; ; attempt++)
        {
            string why;
            try
            {
                TtrpcClient client = _client ??= Connect(_socket);
                await client.CallAsync(Service, "Forward", new ForwardRequest { Envelope = envelope }, Empty.Parser, s_answerPatience);
                return;
            }
            catch (Exception cause) when (cause is TtrpcException or SyscallException)
            {
                why = cause.Message;
                await DropConnectionAsync();
            }

            if (attempt == Attempts || _ending.IsCancellationRequested)
            {
                _log.Warning($"event {envelope.Topic} was not delivered to {_socket}: {why}");
                return;
            }

            // containerd restarts: nothing tells when its socket is there again.
            await Task.Delay(s_retryAfter, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static TtrpcClient Connect(string socket) =>
        new(new DescriptorStream(UnixSocket.Connect(socket), EventLoop.Shared), "containerd");

    private async Task DropConnectionAsync()
    {
        if (_client is { } broken)
        {
            _client = null;
            await broken.DisposeAsync();
        }
    }
}
