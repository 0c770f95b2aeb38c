using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Cri;

/// <summary>
/// A stream of CRI's streaming server, as kubectl has it by way of kubelet: a WebSocket of whose messages the first byte is the channel.
/// The server listens on the loopback of containerd's network namespace.
/// </summary>
internal sealed class PodStream : IDisposable
{
    // k8s.io/apimachinery, remotecommand: 0 is standard input, 1 output, 2 error, 3 how it ended. For a forwarded port 0 is data, 1 an error.
    internal const byte Input = 0;
    internal const byte Output = 1;
    internal const byte Error = 2;
    internal const byte End = 3;

    private const string Protocol = "v4.channel.k8s.io";

    private readonly ClientWebSocket _socket = new();
    private readonly Dictionary<byte, StringBuilder> _received = [];
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;
    private readonly CancellationTokenSource _patience = new(Deadline.Patience);
    private Task _receiving = Task.CompletedTask;

    private PodStream(int namespaces)
    {
        _handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                Socket socket = MakeSocket(namespaces);
                await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _invoker = new HttpMessageInvoker(_handler);
        _socket.Options.AddSubProtocol(Protocol);
    }

    internal static PodStream Open(CriNode node, Uri url)
    {
        var stream = new PodStream(node.Containerd.NamespacesPid);
        Wait(() => stream._socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws" }.Uri, stream._invoker, stream._patience.Token));
        stream._receiving = Task.Run(stream.ReceiveAsync);
        return stream;
    }

    internal void Send(byte channel, string text) =>
        Wait(() => _socket.SendAsync((byte[])[channel, .. Encoding.UTF8.GetBytes(text)], WebSocketMessageType.Binary, endOfMessage: true, _patience.Token));

    /// <summary>What a channel has brought so far.</summary>
    internal string Text(byte channel)
    {
        lock (_received)
        {
            return _received.TryGetValue(channel, out StringBuilder? text) ? text.ToString() : "";
        }
    }

    internal void WaitFor(byte channel, string text) =>
        Deadline.Wait($"\"{text}\" in channel {channel}", () => Text(channel).Contains(text, StringComparison.Ordinal), () => $"{Text(channel)}; {_receiving.Exception}");

    /// <summary>Waits until the server has closed the stream.</summary>
    internal void WaitForEnd() => Wait(() => _receiving);

    public void Dispose()
    {
        _patience.Cancel();
        _socket.Dispose();
        _invoker.Dispose();
        _handler.Dispose();
        _patience.Dispose();
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await _socket.ReceiveAsync(buffer, _patience.Token) is { MessageType: not WebSocketMessageType.Close } message)
            {
                if (message.Count > 1)
                {
                    Take(buffer[0], Encoding.Latin1.GetString(buffer, 1, message.Count - 1));
                }
            }
        }
        catch (WebSocketException)
        {
            // Closed without a word: containerd's server ends so too.
        }
    }

    private void Take(byte channel, string text)
    {
        lock (_received)
        {
            if (!_received.TryGetValue(channel, out StringBuilder? all))
            {
                _received.Add(channel, all = new StringBuilder());
            }

            all.Append(text);
        }
    }

    // A socket belongs to the network namespace of the thread that made it.
    private static Socket MakeSocket(int namespaces)
    {
        Socket? socket = null;
        var thread = new Thread(() =>
        {
            using var network = NamespaceFd.OfProcess(namespaces, NamespaceKinds.Network);
            network.Join(NamespaceKinds.Network);
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        });
        thread.Start();
        thread.Join();
        return socket!;
    }

    private static void Wait(Func<Task> work) => Task.Run(work).GetAwaiter().GetResult();
}
