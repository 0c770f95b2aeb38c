using System.Threading.Channels;
using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

/// <summary>
/// 127.0.0.11, port 53 (UDP), where containers of Docker's networks look for their resolver: their queries are handed to the host, which
/// asks whoever answers there in the pod's namespace. Listened on only when a host asks for it.
/// </summary>
internal sealed class DnsPort
{
    // Own limit: queries that wait for a host, and those whose answers are awaited. Older ones are forgotten, and asked again by their programs.
    private const int MaxQueries = 64;

    // Whoever is not handed an answer asks again after seconds (resolv.conf(5)).
    private readonly Channel<DnsMessage> _queries = Channel.CreateBounded<DnsMessage>(
        new BoundedChannelOptions(MaxQueries) { FullMode = BoundedChannelFullMode.DropOldest });

    private readonly Lock _lock = new();
    private readonly DatagramPeer[] _askers = new DatagramPeer[MaxQueries];     // under _lock, by the query's number
    private ulong _asked;                                                       // under _lock
    private InternetSocket? _socket;                                            // under _lock

    internal async Task<DnsMessage> RelayAsync(DnsMessage answer, CancellationToken cancellationToken)
    {
        Take(answer);
        return answer.Listen ? new DnsMessage() : await _queries.Reader.ReadAsync(cancellationToken);
    }

    private void Take(DnsMessage answer)
    {
        lock (_lock)
        {
            if (_socket is null)
            {
                _socket = Open();
                _ = ReceiveAsync(_socket);
            }

            // One that is forgotten was answered late; one that was never asked is not sent.
            if (answer.Data.Length > 0 && answer.Id <= _asked && _asked - answer.Id < MaxQueries)
            {
                _socket.TrySendTo(answer.Data.Span, _askers[answer.Id % MaxQueries], out _);
            }
        }
    }

    private static InternetSocket Open()
    {
        try
        {
            return InternetSocket.BindDatagram(new System.Net.IPAddress([127, 0, 0, 11]), 53);
        }
        catch (SyscallException cause)
        {
            throw Refusal.State(cause.Message);
        }
    }

    private async Task ReceiveAsync(InternetSocket socket)
    {
        byte[] buffer = new byte[DnsLimits.MaxBytes];
        while (true)
        {
            await EventLoop.Shared.Ready(socket, PollEvents.In, CancellationToken.None);
            while (socket.TryReceiveFrom(buffer, out int count, out DatagramPeer asker, out _))
            {
                if (count is > 0 and <= DnsLimits.MaxBytes)
                {
                    lock (_lock)
                    {
                        _askers[++_asked % MaxQueries] = asker;
                        _queries.Writer.TryWrite(new DnsMessage { Id = _asked, Data = ByteString.CopyFrom(buffer, 0, count) });
                    }
                }
            }
        }
    }
}
