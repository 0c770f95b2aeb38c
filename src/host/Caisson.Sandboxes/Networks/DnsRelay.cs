using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>
/// Queries that programs of the guest send to 127.0.0.11, port 53, are asked at the same place in the pod's network namespace, where Docker's
/// resolver sits. A query is bytes of a bounded length; nothing is made of them here.
/// </summary>
internal sealed class DnsRelay(SandboxNetwork network, IGuest guest)
{
    // Queries in flight. The others wait in the guest.
    private const int MaxQueries = 8;

    // A resolver that has not answered by then is asked again by the program itself (resolv.conf(5), timeout).
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // A guest that asks for ever where nobody answers gets no more of the host than this.
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(100);

    /// <summary>The agent listens when this returns.</summary>
    internal Task ListenAsync(CancellationToken cancellationToken) => guest.RelayDnsAsync(new DnsMessage { Listen = true }, cancellationToken);

    /// <summary>Runs for as long as the machine does. Never fails.</summary>
    internal Task RunAsync(CancellationToken cancellationToken)
    {
        var workers = new Task[MaxQueries];
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = RelayAsync(cancellationToken);
        }

        return Task.WhenAll(workers);
    }

    private async Task RelayAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[DnsLimits.MaxBytes];
        var answer = new DnsMessage();
        try
        {
            while (true)
            {
                DnsMessage query = await guest.RelayDnsAsync(answer, cancellationToken);
                int length = await AskAsync(query.Data, buffer, cancellationToken);
                answer = new DnsMessage { Id = query.Id, Data = ByteString.CopyFrom(buffer, 0, length) };
            }
        }
        catch (Exception cause) when (cause is SandboxException or OperationCanceledException)
        {
            // The guest is gone, or this supervisor lets go.
        }
    }

    // A socket of its own for each query: another one's late answer cannot come here.
    private async Task<int> AskAsync(ByteString query, byte[] answer, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            using InternetSocket socket = network.AskResolver(query.Span);
            await EventLoop.Shared.Ready(socket, PollEvents.In, patience.Token);
            if (socket.TryRead(answer, out int length, out _))
            {
                return length;
            }

            await Task.Delay(s_rest, cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nobody has answered.
        }

        return 0;
    }
}
