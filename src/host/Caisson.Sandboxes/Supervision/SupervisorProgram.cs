using Caisson.Linux;
using Caisson.Ttrpc;

namespace Caisson.Sandboxes;

/// <summary>The hidden verb <c>supervisor</c>: the daemon of one sandbox. It ends when nothing of the sandbox runs any more.</summary>
public sealed class SupervisorProgram : IAsyncDisposable
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "supervisor";

    // The command that starts a supervisor connects at once; one that was killed before leaves nothing to supervise.
    private static readonly TimeSpan s_firstClientPatience = TimeSpan.FromSeconds(30);

    // The sandbox may end while it is being started or deleted: those calls still get their answers, and their clients then hang up.
    private static readonly TimeSpan s_answerPatience = TimeSpan.FromSeconds(2);

    private readonly SupervisorCommand _command;
    private readonly SupervisorLog _log;
    private readonly UnixSocket _control;
    private readonly UnixSocket _descriptors;
    private readonly FileFd _lifeline;
    private readonly DescriptorDesk _desk;
    private readonly Sandbox _sandbox;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _clients = [];       // under _lock

    private SupervisorProgram(SupervisorCommand command)
    {
        _command = command;
        _log = new SupervisorLog(command.SandboxId);
        _control = UnixSocket.FromNumber(SupervisorCommand.ControlNumber);
        _descriptors = UnixSocket.FromNumber(SupervisorCommand.DescriptorsNumber);
        _control.SetCloseOnExec(true);
        _descriptors.SetCloseOnExec(true);
        _control.SetNonBlocking(true);
        _descriptors.SetNonBlocking(true);
        _lifeline = command.Reattach ? FileFd.FromNumber(SupervisorCommand.LifelineNumber) : Lifeline.Hold(command.SandboxDirectory);
        _lifeline.SetCloseOnExec(true);
        _desk = new DescriptorDesk(_descriptors, EventLoop.Shared);
        var place = new SandboxPlace(command.SandboxId, command.SandboxDirectory, BootId.Read(), ProcessIdentity.OfSelf());
        _sandbox = new Sandbox(place, OpenShare(command), new QemuMachine(place, _log), _log);
    }

    /// <summary>Serves one sandbox.</summary>
    /// <param name="arguments">The arguments after the verb.</param>
    /// <returns>The exit code.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        SupervisorCommand command = SupervisorCommand.Parse(arguments);
        try
        {
            return RunAsync(command).GetAwaiter().GetResult();
        }
        catch (Exception cause)
        {
            // The last resort of a daemon: its guardian starts the next one, and the reason must be found.
            new SupervisorLog(command.SandboxId).Error($"supervisor: {cause}");
            return 1;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(Clients());
        await _desk.DisposeAsync();
        await _sandbox.DisposeAsync();
        _control.Dispose();
        _descriptors.Dispose();
        _lifeline.Dispose();
        _stopping.Dispose();
    }

    private static async Task<int> RunAsync(SupervisorCommand command)
    {
        await using var program = new SupervisorProgram(command);
        await program.ServeAsync();
        return 0;
    }

    // A slave of the caller's mounts: the host can still unmount its file systems while the sandbox lives.
    private static ShareDirectory OpenShare(SupervisorCommand command)
    {
        if (command.Reattach)
        {
            return ShareDirectory.Open(command.SandboxDirectory);
        }

        MountCalls.SetPropagation("/", MountPropagation.Slave, recursive: true);
        return ShareDirectory.Create(command.SandboxDirectory);
    }

    private async Task ServeAsync()
    {
        SandboxSnapshot? snapshot = _command.Reattach ? SnapshotFile.Read(_command.SandboxDirectory) : null;
        if (snapshot is not null)
        {
            _log.Warning("supervisor ended unexpectedly; continued by its guardian");
            _sandbox.Load(snapshot);
        }

        await using var guardian = new GuardianWatch(_command, _control, _descriptors, _lifeline, _sandbox, _log);
        if (snapshot is not null)
        {
            await _sandbox.RestoreAsync(snapshot);
        }

        Task accepting = AcceptAsync(_stopping.Token);
        if (await Task.WhenAny(_sandbox.Ended, accepting) == accepting)
        {
            await accepting;        // a listener that fails ends the process: the guardian begins anew
        }

        await Task.WhenAny(Task.WhenAll(Clients()), Task.Delay(s_answerPatience));
        await _stopping.CancelAsync();
        await accepting.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (!_command.Reattach)
        {
            patience.CancelAfter(s_firstClientPatience);
        }

        try
        {
            Welcome(await _control.AcceptAsync(EventLoop.Shared, patience.Token), isCreator: !_command.Reattach);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await _sandbox.StopAsync("the command that started it never called");
            return;
        }

        while (true)
        {
            Welcome(await _control.AcceptAsync(EventLoop.Shared, cancellationToken), isCreator: false);
        }
    }

    private void Welcome(UnixSocket connection, bool isCreator)
    {
        if (connection.Peer.Uid != UserIds.EffectiveUser)
        {
            _log.Warning($"control.sock: refused a client of uid {connection.Peer.Uid}");
            connection.Dispose();
            return;
        }

        var registered = new TaskCompletionSource();
        Task serving = ServeClientAsync(connection, isCreator, registered.Task);
        lock (_lock)
        {
            _clients.Add(serving);
        }

        _ = serving.ContinueWith(Forget, TaskScheduler.Default);
        registered.SetResult();
    }

    private Task[] Clients()
    {
        lock (_lock)
        {
            return [.. _clients];
        }
    }

    private void Forget(Task client)
    {
        lock (_lock)
        {
            _clients.Remove(client);
        }
    }

    private async Task ServeClientAsync(UnixSocket connection, bool isCreator, Task registered)
    {
        await registered;
        await using var service = new ControlService(_sandbox, _desk, isCreator);
        await using TtrpcServer server = service.CreateServer();
        try
        {
            await server.ServeAsync(new DescriptorStream(connection, EventLoop.Shared), _stopping.Token);
        }
        catch (Exception cause) when (cause is IOException or OperationCanceledException)
        {
            if (cause is ProtocolException)
            {
                _log.Warning($"control.sock: dropped a client: {cause.Message}");
            }
        }
    }
}
