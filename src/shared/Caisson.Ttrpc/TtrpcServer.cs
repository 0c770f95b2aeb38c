using Google.Protobuf;

namespace Caisson.Ttrpc;

/// <summary>
/// Serves registered methods on any number of connections. Methods are registered before the first connection is served.
/// </summary>
public sealed class TtrpcServer : IAsyncDisposable
{
    private readonly Dictionary<string, Dictionary<string, TtrpcMethod>> _services = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _connections = [];   // under _gate
    private bool _disposed;                             // under _gate

    /// <summary>Adds a method.</summary>
    /// <param name="service">The service's name with its package, as on the wire.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="parser">Reads the request.</param>
    /// <param name="handler">
    /// Runs on the thread pool, concurrently with others. A <see cref="TtrpcException"/> keeps its code; any other exception
    /// goes to the caller as Internal or Unknown with its text.
    /// </param>
    public void Register<TRequest, TResponse>(
        string service, string method, MessageParser<TRequest> parser, Func<TRequest, TtrpcContext, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        if (!_services.TryGetValue(service, out Dictionary<string, TtrpcMethod>? methods))
        {
            methods = [];
            _services.Add(service, methods);
        }

        methods.Add(method, new TtrpcMethod<TRequest, TResponse>(parser, handler));
    }

    /// <summary>Serves one connection until it ends or breaks. When this returns, no handler of the connection is running.</summary>
    /// <param name="stream">The connection; it is closed at the end.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    /// <exception cref="ProtocolException">The other side broke the protocol; says how.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task ServeAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _connections.Add(finished.Task);
        }

        try
        {
            await using (stream)
            {
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
                using var connection = new TtrpcConnection(this, stream, ending);
                await connection.RunAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            lock (_gate)
            {
                _connections.Remove(finished.Task);
            }

            finished.SetResult();
        }
    }

    /// <summary>Ends all connections, and waits until the last handler has returned.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] connections;
        lock (_gate)
        {
            _disposed = true;
            connections = [.. _connections];
        }

        await _stopping.CancelAsync();
        await Task.WhenAll(connections);
    }

    /// <exception cref="TtrpcException">Not served here.</exception>
    internal TtrpcMethod Find(string service, string method)
    {
        if (!_services.TryGetValue(service, out Dictionary<string, TtrpcMethod>? methods))
        {
            throw new TtrpcException(TtrpcCode.Unimplemented, $"service {service} is not served here");
        }

        return methods.TryGetValue(method, out TtrpcMethod? found)
            ? found
            : throw new TtrpcException(TtrpcCode.Unimplemented, $"service {service} has no method {method}");
    }
}
