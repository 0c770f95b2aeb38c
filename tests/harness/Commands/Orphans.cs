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
            if (process.Parent == Environment.ProcessId && process.IsZombie)
            {
                lock (RunningCommand.Starting)
                {
                    TryReap(process.Pid);
                }
            }
        }
    }

    /// <summary>Reaps until the result is disposed of, as init does: a zombie keeps the pid namespace that it was in from ending.</summary>
    public static IDisposable KeepReaping() => new Reaper();

    private static void TryReap(int pid)
    {
        try
        {
            if (!RunningCommand.Owns(pid))
            {
                ProcessWait.TryWait(pid, out _);
            }
        }
        catch (SyscallException gone) when (gone.Errno == Errno.ECHILD)
        {
            // Somebody else was quicker.
        }
    }

    private sealed class Reaper : IDisposable
    {
        private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(20);

        private readonly ManualResetEventSlim _ended = new();
        private readonly Thread _thread;

        internal Reaper()
        {
            _thread = new Thread(Run) { IsBackground = true, Name = "reaper" };
            _thread.Start();
        }

        public void Dispose()
        {
            _ended.Set();
            _thread.Join();
            _ended.Dispose();
        }

        private void Run()
        {
            while (!_ended.Wait(s_betweenLooks))
            {
                Reap();
            }
        }
    }
}
