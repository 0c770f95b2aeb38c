using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What containerd named as a process's standard streams.</summary>
internal readonly record struct StreamNames(string Input, string Output, string Error, bool Terminal);

/// <summary>
/// The standard streams of one process, between its command and containerd's fifos. Without a terminal the process holds the outputs
/// itself; with one, this relays between the fifos and the terminal's master.
/// </summary>
internal sealed class ProcessStreams : IAsyncDisposable
{
    // What a process wrote last must still reach a reader; one that does not read any more is not waited for.
    private static readonly TimeSpan s_drainPatience = TimeSpan.FromSeconds(10);

    private readonly StreamNames _names;
    private readonly OutputTarget _output;
    private readonly OutputTarget? _error;
    private readonly LogProcess? _logger;
    private readonly FileFd _input;
    private readonly CancellationTokenSource _ending = new();
    private InputRelay? _relay;
    private UnixSocket? _consoleListener;
    private PtyMaster? _terminal;
    private Task _drained = Task.CompletedTask;

    private ProcessStreams(StreamNames names, OutputTarget output, OutputTarget? error, LogProcess? logger)
    {
        _names = names;
        _output = output;
        _error = error;
        _logger = logger;
        (_input, _relay) = names.Terminal || names.Input.Length == 0
            ? (FileCalls.Open("/dev/null", OpenFlags.O_RDONLY), null)
            : BeginInput(names.Input);
    }

    /// <summary>The flags by which a command hands over the terminal; none without one.</summary>
    internal IReadOnlyList<string> CommandFlags => ConsoleSocket is { } socket ? ["--console-socket", socket] : [];

    private string? ConsoleSocket { get; set; }

    /// <summary>Opens everything.</summary>
    internal static async Task<ProcessStreams> OpenAsync(
        StreamNames names, IoOwner? owner, string containerdNamespace, string containerId, OrphanReaper reaper, CancellationToken cancellationToken)
    {
        ProcessStreams streams = names.Output.StartsWith(LogProcess.Scheme, StringComparison.Ordinal)
            ? OfLogger(names, LogProcess.Start(names.Output, containerdNamespace, containerId, reaper))
            : await OfFilesAsync(names, cancellationToken);
        if (owner is { } given)
        {
            GiveTo(given, streams._input, streams._output.End, streams._error?.End);
        }

        if (names.Terminal)
        {
            streams.ConsoleSocket = ShimPlace.ChooseFile("pty");
            streams._consoleListener = UnixSocket.Listen(streams.ConsoleSocket);
        }

        return streams;
    }

    /// <summary>The streams for the command that starts the process.</summary>
    internal CommandStreams ForCommand() => _names.Terminal
        ? new CommandStreams(_input, _input, _input)
        : new CommandStreams(_input, _output.End, (_error ?? _output).End);

    /// <summary>The command has ended well: its process has the streams now, or has sent its terminal.</summary>
    internal async Task BegunAsync(CancellationToken cancellationToken)
    {
        _input.Dispose();
        if (_consoleListener is null)
        {
            // Held by nobody but the process: its end is the end of the output.
            _output.End.Dispose();
            _error?.End.Dispose();
            return;
        }

        _terminal = await ReceiveTerminalAsync(_consoleListener, cancellationToken);
        CloseListener();
        _drained = Task.Run(CopyOutputAsync, CancellationToken.None);
        if (_names.Input.Length > 0)
        {
            _relay = new InputRelay(_names.Input, new DescriptorStream(_terminal, EventLoop.Shared, ownsDescriptor: false));
        }
    }

    /// <summary>Sets the terminal's size; without one nothing happens.</summary>
    internal void Resize(uint columns, uint rows)
    {
        if (_terminal is { IsClosed: false } terminal)
        {
            Terminal.SetSize(terminal, new WindowSize((ushort)Math.Min(rows, ushort.MaxValue), (ushort)Math.Min(columns, ushort.MaxValue)));
        }
    }

    /// <summary>The client writes no more.</summary>
    internal void CloseInput() => _relay?.Close();

    /// <summary>The process has ended: what it wrote is delivered, and everything is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        _ending.CancelAfter(s_drainPatience);
        if (_relay is not null)
        {
            await _relay.DisposeAsync();
        }

        await _drained;
        CloseListener();
        if (_terminal is not null)
        {
            EventLoop.Shared.Forget(_terminal);
            _terminal.Dispose();
        }

        _input.Dispose();
        _output.Dispose();
        _error?.Dispose();
        if (_logger is not null)
        {
            await _logger.FinishAsync(_ending.Token);
            _logger.Dispose();
        }

        _ending.Dispose();
    }

    // Files and devices stay whose they are.
    private static void GiveTo(IoOwner owner, params ReadOnlySpan<FileFd?> ends)
    {
        foreach (FileFd? end in ends)
        {
            if (end is not null && FileCalls.Stat(end).Type == FileType.Fifo)
            {
                FileCalls.ChangeOwner(end, owner.UserId, owner.GroupId);
            }
        }
    }

    private static ProcessStreams OfLogger(StreamNames names, LogProcess logger) =>
        new(names, OutputTarget.Of(logger.Output.Duplicate()), names.Terminal ? null : OutputTarget.Of(logger.Error.Duplicate()), logger);

    private static async Task<ProcessStreams> OfFilesAsync(StreamNames names, CancellationToken cancellationToken)
    {
        OutputTarget output = await OutputTarget.OpenAsync(names.Output, cancellationToken);
        OutputTarget? error = null;
        try
        {
            error = names.Terminal ? null : await OutputTarget.OpenAsync(names.Error, cancellationToken);
            return new ProcessStreams(names, output, error, null);
        }
        catch
        {
            output.Dispose();
            error?.Dispose();
            throw;
        }
    }

    private static (FileFd Input, InputRelay Relay) BeginInput(string fifo)
    {
        using var pipe = PipePair.Create();
        return (pipe.Read.Duplicate(), new InputRelay(fifo, new DescriptorStream(pipe.Write.Duplicate(), EventLoop.Shared)));
    }

    private static async Task<PtyMaster> ReceiveTerminalAsync(UnixSocket listener, CancellationToken cancellationToken)
    {
        using UnixSocket connection = await listener.AcceptAsync(EventLoop.Shared, cancellationToken);
        byte[] name = new byte[256];
        ReceivedMessage message = await connection.ReceiveMessageAsync(EventLoop.Shared, name, 1, cancellationToken);
        EventLoop.Shared.Forget(connection);
        return message.Descriptors.Count == 1
            ? PtyMaster.FromNumber(message.Descriptors[0].Release())
            : throw new SandboxException("console socket: the command sent no terminal");
    }

    private void CloseListener()
    {
        if (_consoleListener is { } listener)
        {
            _consoleListener = null;
            EventLoop.Shared.Forget(listener);
            listener.Dispose();
            FileCalls.TryRemove(ConsoleSocket!, isDirectory: false, out _);
        }
    }

    private async Task CopyOutputAsync()
    {
        var from = new DescriptorStream(_terminal!, EventLoop.Shared, ownsDescriptor: false);
        // The terminal's end is the output's.
        using var to = new DescriptorStream(_output.End, EventLoop.Shared);
        byte[] buffer = new byte[16 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, _ending.Token)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), _ending.Token);
            }
        }
        catch (Exception cause) when (cause is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The reader does not read any more.
        }
    }
}
