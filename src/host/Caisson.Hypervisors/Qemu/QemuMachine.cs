using System.Text.Json;
using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>A QEMU process and the virtiofsd that belongs to it: neither outlives the other.</summary>
internal sealed class QemuMachine : IVirtualMachine
{
    // How long a QEMU that has closed its connections takes to be gone: it gives back the guest's memory.
    private static readonly TimeSpan s_endingPatience = TimeSpan.FromSeconds(2);

    private const int LinesToQuote = 6;
    private const string PanicMark = "Kernel panic";

    private readonly QemuMachineParts _parts;
    private readonly Lock _lock = new();        // guards the three below
    private readonly NetworkPlug _cards = new();
    private string? _shutdownReason;
    private bool _sawPanic;
    private bool _stopRequested;
    private QmpClient _monitor = null!;         // by ConnectAsync, before anybody else sees the machine
    private bool _letGo;                        // set before the pidfds are closed, read after they report

    private QemuMachine(QemuMachineParts parts)
    {
        _parts = parts;
        Record = new VmRecord(parts.Files.Directory, parts.Qemu!.Identity, parts.FileServer?.Identity);
        AgentSocket = parts.UsesVsock ? null : parts.Files.Agent;
    }

    public VmRecord Record { get; }

    public string? AgentSocket { get; }

    public Task<VmExit> Exited { get; private set; } = null!;

    public Task ConsoleSpoke => _parts.Console.FirstByte;

    /// <summary>Connects to the monitor; QEMU's death ends the wait.</summary>
    internal static async Task<QemuMachine> ConnectAsync(QemuMachineParts parts, CancellationToken cancellationToken)
    {
        var machine = new QemuMachine(parts);
        UnixSocket socket = UnixSocket.Connect(parts.Files.Qmp);
        var stream = new DescriptorStream(socket, EventLoop.Shared);
        Task<QmpClient> connecting = QmpClient.ConnectAsync(stream, machine.Remember, cancellationToken);
        Task fileServerEnded = parts.FileServer?.Ended ?? Task.Delay(Timeout.Infinite, CancellationToken.None);
        if (await Task.WhenAny(connecting, fileServerEnded).ConfigureAwait(false) != connecting)
        {
            // QEMU would wait for an answer of it until its own time limit.
            parts.Qemu!.Kill();
        }

        machine._monitor = await connecting.ConfigureAwait(false);
        machine.Exited = machine.WatchAsync();
        return machine;
    }

    public async Task<VmStatus> QueryStatusAsync(CancellationToken cancellationToken)
    {
        JsonElement answer = await ExecuteAsync("query-status", cancellationToken).ConfigureAwait(false);
        string? status = answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("status", out JsonElement value) ? value.ToString() : null;
        return status switch
        {
            "running" => VmStatus.Running,
            "paused" or "prelaunch" or "suspended" => VmStatus.Paused,
            "shutdown" or "guest-panicked" or "internal-error" or "io-error" => VmStatus.Ended,
            _ => throw new HypervisorException("query the machine", $"QEMU is in the unknown state '{status}'"),
        };
    }

    public Task PauseAsync(CancellationToken cancellationToken) => ExecuteAsync("stop", cancellationToken);

    public Task ResumeAsync(CancellationToken cancellationToken) => ExecuteAsync("cont", cancellationToken);

    public Task AddNetworkCardAsync(VmNetworkCard card, CancellationToken cancellationToken) => NetworkPlug.AddAsync(_monitor, card, cancellationToken);

    public Task RemoveNetworkCardAsync(string id, CancellationToken cancellationToken) => _cards.RemoveAsync(_monitor, id, cancellationToken);

    // SIGKILL and not "quit": there is nothing QEMU would save for us, and a captured one need not obey.
    public async Task<VmExit> StopAsync()
    {
        lock (_lock)
        {
            _stopRequested = true;
        }

        _parts.Qemu!.Kill();
        return await Exited.ConfigureAwait(false);
    }

    public string ConsoleTail() => _parts.Console.Tail(LinesToQuote);

    public async ValueTask DisposeAsync()
    {
        _letGo = true;
        await _monitor.DisposeAsync().ConfigureAwait(false);
        await _parts.LetGoAsync().ConfigureAwait(false);
        await Exited.ConfigureAwait(false);
    }

    private async Task<JsonElement> ExecuteAsync(string command, CancellationToken cancellationToken)
    {
        try
        {
            return await _monitor.ExecuteAsync(command, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (QmpException cause)
        {
            throw new HypervisorException(command, cause.Description, cause: cause);
        }
    }

    // On the monitor's reading loop. Both events come before QEMU ends, so they are known when its pidfd reports.
    private void Remember(QmpMessage.Notification happened)
    {
        _cards.Remember(happened);
        lock (_lock)
        {
            _sawPanic |= happened.Name == "GUEST_PANICKED";
            _shutdownReason = happened.Name == "SHUTDOWN" ? happened.Text("reason") : _shutdownReason;
        }
    }

    private async Task<VmExit> WatchAsync()
    {
        Task<ExitStatus?> qemu = _parts.Qemu!.Ended;
        Task first = _parts.FileServer is { } server ? await Task.WhenAny(qemu, server.Ended).ConfigureAwait(false) : qemu;
        await first.ConfigureAwait(false);
        bool fileServerDied = first != qemu && !await IsEndingAsync(qemu).ConfigureAwait(false);
        if (_letGo)
        {
            return new VmExit(VmExitCause.Unknown, null, "the machine was let go of while it ran");
        }

        // Without its files the guest hangs for ever; and without its guest virtiofsd has nothing to do.
        _parts.Qemu.Kill();
        ExitStatus? status = await qemu.ConfigureAwait(false);
        _parts.FileServer?.Kill();
        if (_parts.FileServer is not null)
        {
            await _parts.FileServer.Ended.ConfigureAwait(false);
        }

        if (_letGo)
        {
            return new VmExit(VmExitCause.Unknown, null, "the machine was let go of while it ran");
        }

        await _monitor.Closed.ConfigureAwait(false);
        await _parts.Console.DisposeAsync().ConfigureAwait(false);
        await _parts.QemuLog.DisposeAsync().ConfigureAwait(false);
        await _parts.FileServerLog.DisposeAsync().ConfigureAwait(false);
        _parts.Files.RemoveEndpoints();
        return Explain(status, fileServerDied);
    }

    // A QEMU that ends closes its connections before its pidfd reports, so virtiofsd, which then ends too, may be seen first.
    private static async Task<bool> IsEndingAsync(Task qemu) =>
        await Task.WhenAny(qemu, Task.Delay(s_endingPatience)).ConfigureAwait(false) == qemu;

    private VmExit Explain(ExitStatus? status, bool fileServerDied)
    {
        lock (_lock)
        {
            (VmExitCause cause, string detail) = this switch
            {
                { _stopRequested: true } => (VmExitCause.Stopped, "the machine was stopped"),
                _ when fileServerDied => (VmExitCause.FileServerDied, Quote("virtiofsd ended, and the machine with it", _parts.FileServerLog)),
                { _sawPanic: true } => (VmExitCause.GuestPanic, QuotePanic()),
                { _shutdownReason: "guest-shutdown" } => (VmExitCause.GuestShutdown, "the guest powered off"),
                { _shutdownReason: "guest-reset" } => ExplainReset(),
                { _shutdownReason: "host-qmp-quit" } => (VmExitCause.Stopped, "the machine was stopped"),
                _ when status is { WasKilled: true, Signal: 9 } && _parts.RanOutOfMemory() =>
                    (VmExitCause.OutOfMemory, "the host's kernel killed QEMU because the sandbox's memory limit was reached"),
                _ when status is { WasKilled: true } killed => (VmExitCause.Killed, Quote($"QEMU was killed by signal {killed.Signal}", _parts.QemuLog)),
                { _shutdownReason: "host-signal" } => (VmExitCause.Killed, "QEMU was asked to end by a signal"),
                _ when status is { } exited => (VmExitCause.Failed, Quote($"QEMU ended with code {exited.ExitCode}", _parts.QemuLog)),
                _ => (VmExitCause.Unknown, "QEMU is gone, and its status went to another process"),
            };
            return new VmExit(cause, status, detail);
        }
    }

    // With panic=1 the kernel restarts the machine after its last words; without any it restarted by itself.
    private (VmExitCause Cause, string Detail) ExplainReset() =>
        _parts.Console.FindLast(PanicMark) is not null
            ? (VmExitCause.GuestPanic, QuotePanic())
            : (VmExitCause.GuestReset, "the guest restarted itself, which ends a sandbox");

    // The line that says why. What follows it, registers and a call trace, is in the console log.
    private string QuotePanic() =>
        _parts.Console.FindLast(PanicMark) is { } line
            ? $"the guest kernel panicked: {line[(line.IndexOf(PanicMark, StringComparison.Ordinal) + PanicMark.Length)..].TrimStart(' ', '-')}"
            : Quote("the guest kernel panicked", _parts.Console);

    private static string Quote(string what, BoundedLog log)
    {
        string words = log.Tail(LinesToQuote);
        return words.Length > 0 ? $"{what}: {words}" : what;
    }
}
