namespace Caisson.Sandboxes;

/// <summary>Where a process in a guest, and its keeper on the host, are in their life. Persisted by name.</summary>
internal enum ProcessStatus
{
    /// <summary>Known to the supervisor, not yet started in the guest.</summary>
    Prepared,

    /// <summary>Runs in the guest; its streams are being carried.</summary>
    Running,

    /// <summary>Ended in the guest, exit code known; output may still be on its way to the keeper.</summary>
    Exited,

    /// <summary>The keeper has taken the exit code, or is gone: nothing more to do.</summary>
    Finished,
}

/// <summary>What happens to a process.</summary>
internal enum ProcessEvent
{
    Started,
    GuestExited,
    KeeperDone,
}

/// <summary>The one transition function of processes in a guest.</summary>
internal static class ProcessLifecycle
{
    //   Prepared --Started--> Running --GuestExited--> Exited --KeeperDone--> Finished
    //   Prepared --GuestExited--> Exited        (a machine that died, a create that is undone)
    //   Finished is never left; KeeperDone may come at any time (a keeper can be killed)
    internal static ProcessStatus Next(ProcessStatus from, ProcessEvent happened) => (from, happened) switch
    {
        (ProcessStatus.Prepared, ProcessEvent.Started) => ProcessStatus.Running,
        (ProcessStatus.Prepared or ProcessStatus.Running, ProcessEvent.GuestExited) => ProcessStatus.Exited,
        (ProcessStatus.Exited or ProcessStatus.Finished, ProcessEvent.GuestExited) => from,
        (_, ProcessEvent.KeeperDone) => ProcessStatus.Finished,
        _ => throw new InvalidOperationException($"a {from} process cannot take {happened}"),
    };
}
