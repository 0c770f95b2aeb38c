using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a sandbox leaves when its supervisor cannot clean up itself: found through the snapshot, ended by pidfd.</summary>
internal static class SandboxRemains
{
    // SIGKILL is not instant for a process with much memory to give back.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_nextLook = TimeSpan.FromMilliseconds(20);

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

        NetworkRemains.Undo(snapshot);
    }

    /// <summary>
    /// Ends a sandbox whose creator died. A guardian that has not been written down yet may go on as its supervisor, which then is: so
    /// what the snapshot names is killed until nobody holds the lifeline.
    /// </summary>
    /// <returns>Whether nobody does.</returns>
    internal static bool End(string path)
    {
        if (!Lifeline.TryWatch(path, out FileFd lifeline))
        {
            return true;
        }

        using (lifeline)
        {
            long start = Environment.TickCount64;
            while (Environment.TickCount64 - start < s_patience.TotalMilliseconds)
            {
                if (new SandboxDirectory(path).TryReadSnapshot() is { } snapshot)
                {
                    Kill(snapshot);
                }

                if (!Lifeline.IsHeld(lifeline))
                {
                    return true;
                }

                Poller.Wait(lifeline, PollEvents.In, s_nextLook);
            }

            return false;
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
