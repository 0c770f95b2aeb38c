using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// One container of a sandbox. Fields change under the sandbox's lock. Operations that change the guest's side take turns
/// (<see cref="TakeTurnAsync"/>): a second one waits for the first, each is bounded in time, and kill and forced delete do not queue.
/// </summary>
internal sealed class SandboxContainer : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    internal SandboxContainer(string id, bool terminal)
    {
        Id = id;
        Init = new SandboxProcess("", terminal);
    }

    internal SandboxContainer(ContainerSnapshot snapshot)
    {
        Id = snapshot.Id;
        Status = snapshot.Status;
        Cause = snapshot.Cause;
        Init = new SandboxProcess(snapshot.Init);
        Shares.AddRange(snapshot.Shares);
        foreach (ProcessSnapshot exec in snapshot.Execs)
        {
            Execs.Add(exec.ExecId, new SandboxProcess(exec));
        }
    }

    internal string Id { get; }

    internal ContainerStatus Status { get; set; } = ContainerStatus.Creating;

    /// <summary>Why it stopped, if not by itself.</summary>
    internal string? Cause { get; set; }

    /// <summary>Whether it ended with its machine, of which the cause may be found out a moment later.</summary>
    internal bool IsLost { get; set; }

    internal SandboxProcess Init { get; }

    internal Dictionary<string, SandboxProcess> Execs { get; } = [];

    /// <summary>Names in the shared directory that are this container's, in the order they were placed.</summary>
    internal List<string> Shares { get; } = [];

    internal IReadOnlyList<SandboxProcess> Processes => [Init, .. Execs.Values];

    /// <summary>Kills for lack of memory, for those who watch.</summary>
    internal OomCount Ooms { get; } = new();

    internal async Task<IDisposable> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    public void Dispose() => _turn.Dispose();

    internal ContainerSnapshot Snapshot()
    {
        var execs = new List<ProcessSnapshot>(Execs.Count);
        foreach (SandboxProcess exec in Execs.Values)
        {
            execs.Add(exec.Snapshot());
        }

        return new ContainerSnapshot { Id = Id, Status = Status, Cause = Cause, Init = Init.Snapshot(), Execs = execs, Shares = [.. Shares] };
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        private SemaphoreSlim? _held = turn;

        public void Dispose() => Interlocked.Exchange(ref _held, null)?.Release();
    }
}
