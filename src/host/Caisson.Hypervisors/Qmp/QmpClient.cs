using System.Buffers;
using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// One connection to QEMU's monitor. Commands are sent one after the other, as QEMU executes them; events arrive in between.
/// QEMU serves one connection at a time and remembers no event for the next one.
/// </summary>
public sealed class QmpClient : IAsyncDisposable
{
    /// <summary>QEMU's main loop answers in milliseconds; a host that swaps may take seconds. After this it counts as hung.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(20);

    private readonly Stream _stream;
    private readonly QmpLineReader _lines;
    private readonly Action<QmpMessage.Notification> _onEvent;
    private readonly SemaphoreSlim _turn = new(1, 1);           // held by the command whose answer is awaited
    private readonly Lock _lock = new();                        // guards _waiting, _waitingId and _end
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource<JsonElement>? _waiting;
    private long _waitingId;
    private long _lastId;                                       // owned by the holder of _turn
    private string _waitingCommand = "";                        // written by the holder of _turn, under _lock
    private QmpException? _end;
    private Task _reading = Task.CompletedTask;
    private int _disposed;

    private QmpClient(Stream stream, Action<QmpMessage.Notification> onEvent)
    {
        _stream = stream;
        _lines = new QmpLineReader(stream);
        _onEvent = onEvent;
    }

    /// <summary>The version from QEMU's greeting: <c>7.2.22</c>.</summary>
    public string Version { get; private set; } = "";

    /// <summary>Ends, never with an exception, when QEMU has closed the connection or broken the protocol.</summary>
    public Task Closed => _reading;

    /// <summary>Waits for the greeting and leaves negotiation mode.</summary>
    /// <param name="stream">A connection to the monitor, owned by the client from here on, also on failure.</param>
    /// <param name="onEvent">Called for each event, in order, on the reading loop: it must be quick and must not throw.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="QmpException">QEMU closed the connection, spoke nonsense, or was silent for <see cref="DefaultTimeout"/>.</exception>
    public static async Task<QmpClient> ConnectAsync(Stream stream, Action<QmpMessage.Notification> onEvent, CancellationToken cancellationToken)
    {
        var client = new QmpClient(stream, onEvent);
        try
        {
            client.Version = await client.ReadGreetingAsync(cancellationToken).ConfigureAwait(false);
            client._reading = client.ReadAsync(client._stopping.Token);
            await client.ExecuteAsync("qmp_capabilities", cancellationToken: cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends one command and awaits its answer.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="arguments">Writes the members of the argument object; null for none.</param>
    /// <param name="timeout">How long to wait; <see cref="DefaultTimeout"/> if null.</param>
    /// <param name="cancellationToken">Gives up waiting; the command may have run.</param>
    /// <exception cref="QmpException">QEMU refused, did not answer in time, or is gone.</exception>
    public async Task<JsonElement> ExecuteAsync(
        string command, Action<Utf8JsonWriter>? arguments = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        TimeSpan limit = timeout ?? DefaultTimeout;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            long id = ++_lastId;
            Task<JsonElement> answer = Expect(command, id);
            // A write that was cut off in its middle would spoil every later command: it is not cancelled, the pipe is short.
            await _stream.WriteAsync(Encode(command, arguments, id), CancellationToken.None).AsTask().WaitAsync(limit, cancellationToken).ConfigureAwait(false);
            return await answer.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException cause)
        {
            throw new QmpException(command, $"QEMU did not answer within {limit.TotalSeconds:0.#} s", cause: cause);
        }
        catch (IOException cause) when (cause is not QmpException)
        {
            throw new QmpException(command, $"QEMU closed the connection: {cause.Message}", cause: cause);
        }
        finally
        {
            Forget();
            _turn.Release();
        }
    }

    /// <summary>Hands QEMU a descriptor, under a name that later commands use; the descriptor stays the caller's.</summary>
    /// <exception cref="QmpException">QEMU refused, did not answer in time, or is gone.</exception>
    public async Task SendDescriptorAsync(string name, FileDescriptor descriptor, CancellationToken cancellationToken)
    {
        const string Command = "getfd";
        if (_stream is not DescriptorStream { Descriptor: UnixSocket socket })
        {
            throw new QmpException(Command, "this connection carries no descriptors");
        }

        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            long id = ++_lastId;
            Task<JsonElement> answer = Expect(Command, id);

            // Beside the stream: nobody else writes while the turn is ours. A hundred bytes fit a monitor's empty buffer.
            if (!socket.TrySendMessage(Encode(Command, json => json.WriteString("fdname", name), id), [descriptor], out _, out Errno why))
            {
                throw new QmpException(Command, $"QEMU takes nothing: {why.Describe()}");
            }

            await answer.WaitAsync(DefaultTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException cause)
        {
            throw new QmpException(Command, $"QEMU did not answer within {DefaultTimeout.TotalSeconds:0.#} s", cause: cause);
        }
        finally
        {
            Forget();
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _stopping.Dispose();
        _turn.Dispose();
    }

    private static byte[] Encode(string command, Action<Utf8JsonWriter>? arguments, long id)
    {
        var line = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("execute", command);
            if (arguments is not null)
            {
                json.WriteStartObject("arguments");
                arguments(json);
                json.WriteEndObject();
            }

            json.WriteNumber("id", id);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private async Task<string> ReadGreetingAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limited.CancelAfter(DefaultTimeout);
            ReadOnlyMemory<byte> line = await _lines.ReadLineAsync(limited.Token).ConfigureAwait(false)
                ?? throw new QmpException("connect", "QEMU closed the connection before its greeting");
            return QmpMessage.Parse(line) is QmpMessage.Greeting greeting
                ? greeting.Version
                : throw new QmpException("connect", "QEMU's first line is no greeting");
        }
        catch (OperationCanceledException cause) when (!cancellationToken.IsCancellationRequested)
        {
            throw new QmpException("connect", $"QEMU sent no greeting within {DefaultTimeout.TotalSeconds:0} s", cause: cause);
        }
        catch (IOException cause) when (cause is not QmpException)
        {
            throw new QmpException("connect", cause.Message, cause: cause);
        }
    }

    // The only reader. Whatever ends it is told to the command that waits, and to every later one.
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        QmpException end;
        try
        {
            while (await _lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                Dispatch(QmpMessage.Parse(line));
            }

            end = new QmpException("connection", "QEMU closed the connection");
        }
        catch (QmpException cause)
        {
            end = cause;
        }
        catch (Exception cause) when (cause is IOException or OperationCanceledException or ObjectDisposedException)
        {
            end = new QmpException("connection", "the connection is closed", cause: cause);
        }

        lock (_lock)
        {
            _end = end;
            _waiting?.TrySetException(Ended(_waitingCommand, end));
        }
    }

    private void Dispatch(QmpMessage message)
    {
        switch (message)
        {
            case QmpMessage.Notification happened:
                _onEvent(happened);
                break;
            case QmpMessage.Reply reply:
                Answer(reply.Id, waiting => waiting.TrySetResult(reply.Value));
                break;
            case QmpMessage.Failure failure:
                Answer(failure.Id, waiting => waiting.TrySetException(new QmpException(_waitingCommand, failure.Description, failure.ErrorClass)));
                break;
            default:
                throw new QmpException("read", "QEMU greeted twice");
        }
    }

    private void Answer(long? id, Action<TaskCompletionSource<JsonElement>> complete)
    {
        lock (_lock)
        {
            // An answer to a command that timed out finds nobody waiting, or another command: it is dropped.
            if (_waiting is not null && (id is null || id == _waitingId))
            {
                complete(_waiting);
            }
        }
    }

    private Task<JsonElement> Expect(string command, long id)
    {
        lock (_lock)
        {
            if (_end is not null)
            {
                throw Ended(command, _end);
            }

            _waiting = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
            (_waitingId, _waitingCommand) = (id, command);
            return _waiting.Task;
        }
    }

    private void Forget()
    {
        lock (_lock)
        {
            // Observed here, so that an answer which nobody awaits any more is no unobserved exception.
            _ = _waiting?.Task.Exception;
            _waiting = null;
        }
    }

    private static QmpException Ended(string command, QmpException end) => new(command, end.Description, cause: end);
}
