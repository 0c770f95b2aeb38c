using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// One process of a container and its keeper. Its relay is the only task that touches the streams; status and exit code change under the
/// sandbox's lock, through <see cref="Happened"/>.
/// </summary>
internal sealed class SandboxProcess
{
    internal SandboxProcess(string execId, bool terminal)
    {
        ExecId = execId;
        Terminal = terminal;
    }

    internal SandboxProcess(ProcessSnapshot snapshot)
        : this(snapshot.ExecId, snapshot.Terminal)
    {
        Status = snapshot.Status;
        ExitCode = snapshot.ExitCode;
        Keeper = snapshot.Keeper;
        KeeperSocket = snapshot.KeeperSocket;
    }

    internal string ExecId { get; }

    internal bool Terminal { get; }

    internal ProcessStatus Status { get; private set; }

    internal int? ExitCode { get; private set; }

    internal ProcessIdentity? Keeper { get; private set; }

    internal string? KeeperSocket { get; private set; }

    /// <summary>Carries the streams; null until a keeper is known.</summary>
    internal Task? Relay { get; set; }

    internal ProcessSnapshot Snapshot() => new()
    {
        ExecId = ExecId,
        Status = Status,
        Terminal = Terminal,
        ExitCode = ExitCode,
        Keeper = Keeper,
        KeeperSocket = KeeperSocket,
    };

    internal void KeptBy(ProcessIdentity keeper, string socket)
    {
        Keeper = keeper;
        KeeperSocket = socket;
    }

    internal void Happened(ProcessEvent what) => Status = ProcessLifecycle.Next(Status, what);

    /// <summary>Records the end; the first exit code stays.</summary>
    internal void Ended(int code)
    {
        Happened(ProcessEvent.GuestExited);
        ExitCode ??= code;
    }
}
