using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>
/// Processes that commands leave behind: a container's init, keepers, supervisors. As engines do, the test process is their subreaper
/// and learns how they end by waiting.
/// </summary>
public static class Orphans
{
    /// <summary>Makes this process the parent of every orphan below it.</summary>
    public static void Adopt() => Prctl.SetChildSubreaper(true);

    /// <summary>Waits for the end of an orphan, as conmon and containerd's shims do.</summary>
    public static ExitStatus WaitForExit(int pid)
    {
        ExitStatus status = default;
        Deadline.Wait($"the end of process {pid}", () => ProcessWait.TryWait(pid, out status), () => ProcessTable.Describe(pid));
        return status;
    }

    /// <summary>Reaps the orphans that have ended and that nobody waited for.</summary>
    public static void Reap()
    {
        foreach (ProcessEntry process in ProcessTable.Read())
        {
            if (process.Parent == Environment.ProcessId && process.IsZombie && !RunningCommand.Owns(process.Pid))
            {
                ProcessWait.TryWait(process.Pid, out _);
            }
        }
    }
}
