using System.Diagnostics;
using Caisson.Linux;
using Caisson.Protocol;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>
/// The connection to a guest's agent, made anew whenever it breaks, until the machine is gone. Calls that can be repeated
/// (<see cref="RepeatAsync{T}"/>) do not notice; others fail once. An agent that breaks the protocol is not asked again: it is somebody
/// else's by then, and <see cref="Distrusted"/> tells why.
/// </summary>
internal sealed class AgentLink : IAsyncDisposable
{
    // A cold boot under emulation on a loaded host; once booted, an agent answers within milliseconds.
    private static readonly TimeSpan s_connectPatience = TimeSpan.FromMinutes(2);

    // An agent ends a session when the host's bytes made no sense to it, which happens after a host's death. Own limit.
    private const int MaxSessionsBroken = 5;
    private static readonly TimeSpan s_brokenWithin = TimeSpan.FromMinutes(1);

    private readonly string _socketPath;
    private readonly SupervisorLog _log;
    private readonly CancellationTokenSource _gone = new();
    private readonly TaskCompletionSource<string> _distrusted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<long> _broken = [];                                  // when sessions ended; of the connecting loop
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

    /// <summary>Completes with the reason when the agent has broken the protocol or does not answer at all. Never fails.</summary>
    internal Task<string> Distrusted => _distrusted.Task;

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
        catch (TtrpcException cause) when (cause.Code == TtrpcCode.Internal && cause.InnerException is InvalidProtocolBufferException or ProtocolException)
        {
            throw Distrust(operation, "the agent's answer is no message of this call", cause);
        }
        catch (TtrpcException cause) when (cause.Code == TtrpcCode.Unknown)
        {
            // What the container itself failed with; its words name the step already, and engines look for them.
            throw new GuestException(GuestText.Line(cause.Message), cause);
        }
        catch (TtrpcException cause)
        {
            throw new GuestException($"{operation}: {GuestText.Line(cause.Message)}", cause);
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

    /// <summary>The agent said what no agent says: every call ends, and no further one is tried.</summary>
    /// <returns>For the caller to throw.</returns>
    internal GuestGoneException Distrust(string operation, string why, Exception? cause = null)
    {
        _log.Error($"agent: not trusted any more: {operation}: {why}");
        MachineGone($"{operation}: {why}");
        _distrusted.TrySetResult($"{operation}: {why}");
        return new GuestGoneException(operation, why, cause);
    }

    /// <summary>The machine is gone: every call ends, and no further one is tried.</summary>
    internal void MachineGone(string why)
    {
        lock (_lock)
        {
            // The first reason stays: a machine is also ended because its agent is not trusted.
            _whyGone = _gone.IsCancellationRequested ? _whyGone : why;
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
            // Gone comes first: a client that is still there may be one that is not trusted.
            _gone.Token.ThrowIfCancellationRequested();
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
                if (BreaksTooOften())
                {
                    Distrust("agent", $"its session was broken {MaxSessionsBroken} times within {s_brokenWithin.TotalSeconds:0} s, at last: {why}");
                    return;
                }

                lock (_lock)
                {
                    _current = NewConnection();
                }
            }
        }
        catch (TtrpcException cause)
        {
            Distrust("handshake", cause.Message);
        }
        catch (IOException cause)
        {
            // The machine's end, of which whoever watches it tells the reason.
            _log.Error($"agent: {cause.Message}");
            MachineGone(cause.Message);
        }
        catch (OperationCanceledException)
        {
            // The machine is gone.
        }
    }

    private bool BreaksTooOften()
    {
        _broken.Enqueue(Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(_broken.Peek()) > s_brokenWithin)
        {
            _broken.Dequeue();
        }

        return _broken.Count >= MaxSessionsBroken;
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
