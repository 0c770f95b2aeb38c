using Caisson.Linux;
using Caisson.Ttrpc;

namespace Caisson;

/// <summary>A shim's daemon: serves containerd until the last container is gone and containerd says that it may end.</summary>
internal sealed class ShimProgram : IAsyncDisposable
{
    /// <summary>Where the listening socket is handed over.</summary>
    internal const int ListenerNumber = 3;

    // A containerd that dies right after it has started a shim never asks anything of it; one that restarts is back sooner.
    private static readonly TimeSpan s_lonelyPatience = TimeSpan.FromSeconds(15);

    private readonly UnixSocket _listener;
    private readonly string _socketPath;
    private readonly ShimLog _log;
    private readonly TaskEvents _events;
    private readonly TaskService _service;
    private readonly SandboxService _sandboxes;
    private readonly TtrpcServer _server;
    private readonly CancellationTokenSource _stopping = new();
    private int _connections;

    private ShimProgram(ShimCommandLine line)
    {
        _listener = UnixSocket.FromNumber(ListenerNumber);
        _listener.SetCloseOnExec(true);
        _socketPath = ShimPlace.SocketFor(line, line.Bundle);
        _log = new ShimLog(line.Bundle, line.Debug);
        var reaper = new OrphanReaper();
        Prctl.SetChildSubreaper(true);
        reaper.Start();
        _events = new TaskEvents(Environment.GetEnvironmentVariable("TTRPC_ADDRESS") ?? $"{line.Address}.ttrpc", line.Namespace, _log);
        var context = new ShimContext(line.Namespace, reaper, _events, _log);
        var services = new ShimServer(_log);
        _service = new TaskService(line, context);
        _service.Register(services);
        _sandboxes = new SandboxService(line, context, _service);
        _sandboxes.Register(services);
        _server = services.Server;
    }

    internal static int Run(ShimCommandLine line)
    {
        RunAsync(line).GetAwaiter().GetResult();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        // Before the answers stop: from here on nobody finds this shim.
        FileCalls.TryRemove(_socketPath, isDirectory: false, out _);
        await _events.DisposeAsync();
        await _server.DisposeAsync();
        _sandboxes.Dispose();
        EventLoop.Shared.Forget(_listener);
        _listener.Dispose();
        _log.Dispose();
        _stopping.Dispose();
    }

    private static async Task RunAsync(ShimCommandLine line)
    {
        await using var program = new ShimProgram(line);
        Task accepting = program.AcceptAsync();
        if (await Task.WhenAny(program._service.Shutdown, program.ForgottenAsync(), accepting) == accepting)
        {
            await accepting;
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            UnixSocket connection = await _listener.AcceptAsync(EventLoop.Shared, _stopping.Token);
            if (connection.Peer.Uid != UserIds.EffectiveUser)
            {
                _log.Warning($"refused a client of uid {connection.Peer.Uid}");
                connection.Dispose();
                continue;
            }

            _ = ServeAsync(connection);
        }
    }

    // Completes when nobody has been connected for a while and nothing is left to be asked for.
    private async Task ForgottenAsync()
    {
        int quietLooks = 0;
        while (quietLooks < 2)
        {
            await Task.Delay(s_lonelyPatience, _stopping.Token);
            quietLooks = Volatile.Read(ref _connections) == 0 && _service.IsForgotten ? quietLooks + 1 : 0;
        }
    }

    private async Task ServeAsync(UnixSocket connection)
    {
        Interlocked.Increment(ref _connections);
        try
        {
            await _server.ServeAsync(new DescriptorStream(connection, EventLoop.Shared), _stopping.Token);
        }
        catch (Exception cause) when (cause is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // containerd went away, or restarts.
            _log.Debug($"a connection ended: {cause.Message}");
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }
}
