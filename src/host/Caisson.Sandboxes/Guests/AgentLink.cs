using Caisson.Linux;
using Caisson.Protocol;
using Caisson.Ttrpc;

namespace Caisson.Sandboxes;

/// <summary>
/// The connection to a guest's agent, made anew whenever it breaks, until the machine is gone. Calls that can be repeated
/// (<see cref="RepeatAsync{T}"/>) do not notice; others fail once.
/// </summary>
internal sealed class AgentLink : IAsyncDisposable
{
    // A cold boot under emulation on a loaded host; once booted, an agent answers within milliseconds.
    private static readonly TimeSpan s_connectPatience = TimeSpan.FromMinutes(2);

    private readonly string _socketPath;
    private readonly SupervisorLog _log;
    private readonly CancellationTokenSource _gone = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource<AgentClient> _current = NewConnection();       // under _lock
    private string _whyGone = "the virtual machine has ended";                  // under _lock
    private readonly Task _connecting;

    internal AgentLink(string socketPath, SupervisorLog log)
    {
        _socketPath = socketPath;
        _log = log;
        _connecting = ConnectAsync();
    }

    /// <summary>Calls once.</summary>
    /// <exception cref="GuestException">The agent refused or failed.</exception>
    /// <exception cref="GuestGoneException">The connection broke, the call's time was over, or the machine is gone.</exception>
    internal async Task<T> CallAsync<T>(string operation, Func<AgentClient, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            AgentClient client = await CurrentAsync(cancellationToken);
            return await call(client, cancellationToken);
        }
        catch (TtrpcException cause) when (cause.Code is TtrpcCode.Unavailable or TtrpcCode.DeadlineExceeded)
        {
            throw new GuestGoneException(operation, $"the agent does not answer: {cause.Message}", cause);
        }
        catch (TtrpcException cause) when (cause.Code == TtrpcCode.Unknown)
        {
            // What the container itself failed with; its words name the step already, and engines look for them.
            throw new GuestException(cause.Message, cause);
        }
        catch (TtrpcException cause)
        {
            throw new GuestException($"{operation}: {cause.Message}", cause);
        }
    }

    /// <inheritdoc cref="CallAsync{T}"/>
    internal Task DoAsync(string operation, Func<AgentClient, CancellationToken, Task> call, CancellationToken cancellationToken) => CallAsync<object?>(
        operation,
        async (agent, stop) =>
        {
            await call(agent, stop);
            return null;
        },
        cancellationToken);

    /// <summary>Calls again after a broken connection, until there is an answer or the machine is gone: for calls that may be repeated.</summary>
    internal async Task<T> RepeatAsync<T>(string operation, Func<AgentClient, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await CallAsync(operation, call, cancellationToken);
            }
            catch (GuestGoneException cause) when (cause.InnerException is TtrpcException { Code: TtrpcCode.Unavailable } && !_gone.IsCancellationRequested)
            {
                // The next connection is awaited by CurrentAsync.
            }
        }
    }

    /// <summary>The machine is gone: every call ends, and no further one is tried.</summary>
    internal void MachineGone(string why)
    {
        lock (_lock)
        {
            _whyGone = why;
        }

        _gone.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _connecting;
        _gone.Dispose();
    }

    private async Task<AgentClient> CurrentAsync(CancellationToken cancellationToken)
    {
        Task<AgentClient> current;
        lock (_lock)
        {
            current = _current.Task;
        }

        try
        {
            return await current.WaitAsync(_gone.Token).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new GuestGoneException("agent", WhyGone());
        }
    }

    private string WhyGone()
    {
        lock (_lock)
        {
            return _whyGone;
        }
    }

    private async Task ConnectAsync()
    {
        try
        {
            while (true)
            {
                Stream session = await SerialLink.ConnectAsync(DialAsync, s_connectPatience, _gone.Token);
                await using var client = new AgentClient(new TtrpcClient(session, "agent"));
                Current().SetResult(client);
                string why = await client.Closed.WaitAsync(_gone.Token);
                _log.Warning($"agent: connection ended: {why}; connecting again");
                lock (_lock)
                {
                    _current = NewConnection();
                }
            }
        }
        catch (Exception cause) when (cause is TtrpcException or IOException)
        {
            _log.Error($"agent: {cause.Message}");
            MachineGone(cause.Message);
        }
        catch (OperationCanceledException)
        {
            // The machine is gone.
        }
    }

    private TaskCompletionSource<AgentClient> Current()
    {
        lock (_lock)
        {
            return _current;
        }
    }

    private ValueTask<Stream> DialAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<Stream>(new DescriptorStream(UnixSocket.Connect(_socketPath), EventLoop.Shared));

    private static TaskCompletionSource<AgentClient> NewConnection() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
