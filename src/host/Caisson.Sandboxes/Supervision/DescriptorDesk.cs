using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// Where commands hand over descriptors: one message a connection on descriptors.sock, holding a token and the descriptors. The request
/// on control.sock quotes the token. Paths are never handed over: commands, engines and supervisors live in different mount namespaces.
/// </summary>
internal sealed class DescriptorDesk : IAsyncDisposable
{
    /// <summary>Random bytes of a token: enough that no other client of the same user meets it by chance.</summary>
    internal const int TokenBytes = 16;

    // A specification has a few dozen mounts at the most; the kernel's limit for one message is 253 (SCM_MAX_FD).
    private const int MaxDeliveries = 32;

    private readonly UnixSocket _listener;
    private readonly EventLoop _loop;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IReadOnlyList<FileFd>> _waiting = [];     // under _lock
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    internal DescriptorDesk(UnixSocket listener, EventLoop loop)
    {
        _listener = listener;
        _loop = loop;
        _accepting = AcceptAsync(_stopping.Token);
    }

    /// <summary>Sends descriptors from a command; returns when the supervisor has them.</summary>
    /// <returns>The token to quote.</returns>
    internal static byte[] Deliver(string path, ReadOnlySpan<FileDescriptor> descriptors)
    {
        byte[] token = KernelRandom.Bytes(TokenBytes);
        using UnixSocket connection = UnixSocket.Connect(path);
        connection.SendMessage(token, descriptors);
        Span<byte> receipt = stackalloc byte[1];
        if (connection.Read(receipt) != 1)
        {
            throw new SandboxException("supervisor: descriptors.sock: the descriptors were refused; see supervisor.log in the sandbox's directory");
        }

        return token;
    }

    /// <summary>Takes what was delivered under a token; the caller owns the descriptors.</summary>
    internal IReadOnlyList<FileFd> Take(ReadOnlySpan<byte> token)
    {
        string key = Convert.ToHexString(token);
        lock (_lock)
        {
            return _waiting.Remove(key, out IReadOnlyList<FileFd>? delivered)
                ? delivered
                : throw new SandboxException("supervisor: no descriptors were delivered under this token");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting.ContinueWith(static _ => { }, TaskScheduler.Default);
        foreach (IReadOnlyList<FileFd> delivered in _waiting.Values)
        {
            Close(delivered);
        }

        _stopping.Dispose();
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            using UnixSocket connection = await _listener.AcceptAsync(_loop, cancellationToken);
            if (connection.Peer.Uid == UserIds.EffectiveUser)
            {
                await ReceiveAsync(connection, cancellationToken);
            }
        }
    }

    private async Task ReceiveAsync(UnixSocket connection, CancellationToken cancellationToken)
    {
        // A client sends at once after connecting; one that does not must not keep others waiting.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            byte[] token = new byte[TokenBytes];
            ReceivedMessage message = await connection.ReceiveMessageAsync(_loop, token, UnixSocket.MaxDescriptorsPerMessage, patience.Token);
            if (message.Length == TokenBytes && Keep(token, message.Descriptors))
            {
                connection.Write([1]);
            }
            else
            {
                Close(message.Descriptors);
            }
        }
        catch (Exception cause) when (cause is IOException || (cause is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The client sees its connection close without a receipt and says so.
        }
    }

    private bool Keep(byte[] token, IReadOnlyList<FileFd> descriptors)
    {
        lock (_lock)
        {
            return _waiting.Count < MaxDeliveries && _waiting.TryAdd(Convert.ToHexString(token), descriptors);
        }
    }

    private static void Close(IReadOnlyList<FileFd> descriptors)
    {
        foreach (FileFd descriptor in descriptors)
        {
            descriptor.Dispose();
        }
    }
}
