using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a sandbox leaves when its supervisor cannot clean up itself: found through the snapshot, ended by pidfd.</summary>
internal static class SandboxRemains
{
    // SIGKILL is not instant for a process with much memory to give back.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Kills every process of the sandbox and waits until they are gone. The order keeps anyone from being started again.</summary>
    internal static void Kill(SandboxSnapshot snapshot)
    {
        if (snapshot.BootId != BootId.Read())
        {
            return;
        }

        Kill(snapshot.Guardian);
        Kill(snapshot.Supervisor);
        Kill(snapshot.Machine);
        Kill(snapshot.FileServer);
        foreach (ContainerSnapshot container in snapshot.Containers)
        {
            Kill(container.Init.Keeper);
            foreach (ProcessSnapshot exec in container.Execs)
            {
                Kill(exec.Keeper);
            }
        }
    }

    /// <summary>Kills one process and waits until it is gone; a pid that was reused is left alone.</summary>
    internal static void Kill(ProcessIdentity? process)
    {
        if (process is not { } known || !PidFd.TryOpen(known.Pid, out PidFd? opened, out _))
        {
            return;
        }

        using PidFd pidFd = opened;

        // Checked after opening: the pidfd pins whoever has the pid now.
        if (known.IsAlive && pidFd.TrySendSignal((int)Signal.SIGKILL, out _))
        {
            Poller.Wait(pidFd, PollEvents.In, s_patience);
        }
    }
}
