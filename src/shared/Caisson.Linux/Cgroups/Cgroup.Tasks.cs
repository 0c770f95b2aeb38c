using System.Diagnostics;

namespace Caisson.Linux;

public sealed partial class Cgroup
{
    // A task in an uninterruptible sleep on a dead network file system may never stop; nothing else takes this long.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // Each round catches the children of the one before; a fork bomb without a freezer is beaten by the pids limit or not at all.
    private const int MaxKillRounds = 100;

    /// <summary>Whether the cgroup's tasks are frozen. False where there is no freezer, or no such cgroup.</summary>
    public bool IsFrozen
    {
        get
        {
            if (_paths.TryGetValue("freezer", out string? freezer))
            {
                return CgroupFile.TryRead(freezer, "freezer.state", out string state, out _) && state.StartsWith("FROZEN", StringComparison.Ordinal);
            }

            return UnifiedDirectory is { } unified && CgroupFile.TryRead(unified, "cgroup.events", out string events, out _) && KeyedFile.Find(events, "frozen") == 1;
        }
    }

    /// <summary>How many processes are in it, in whichever hierarchy has most; 0 where it is not there.</summary>
    public int CountProcesses()
    {
        int most = 0;
        foreach (string directory in _directories)
        {
            var pids = new List<int>();
            AddPids(directory, pids);
            most = Math.Max(most, pids.Count);
        }

        return most;
    }

    /// <summary>All processes of the cgroup and of the cgroups below it.</summary>
    public IReadOnlyList<int> Pids()
    {
        var pids = new List<int>();
        AddPids(ListingDirectory, pids);
        return pids;
    }

    /// <summary>Stops all tasks, and returns when they have stopped.</summary>
    public void Freeze()
    {
        if (!_paths.TryGetValue("freezer", out string? freezer))
        {
            FreezeUnified(frozen: true);
            return;
        }

        // A v1 freezer that met a forking task says FREEZING until it is told again.
        Wait(10, $"{freezer}/freezer.state to become FROZEN", () =>
        {
            CgroupFile.Write(freezer, "freezer.state", "FROZEN");
            return IsFrozen;
        });
    }

    /// <summary>Lets all tasks go on.</summary>
    public void Thaw()
    {
        if (_paths.TryGetValue("freezer", out string? freezer))
        {
            CgroupFile.Write(freezer, "freezer.state", "THAWED");
        }
        else
        {
            FreezeUnified(frozen: false);
        }
    }

    /// <summary>Sends a signal to every task of the cgroup and of those below. SIGKILL reaches frozen ones too, and those that fork meanwhile.</summary>
    /// <param name="signal">The signal.</param>
    public void KillAll(Signal signal)
    {
        if (signal == Signal.SIGKILL && UnifiedDirectory is { } unified && CgroupFile.TryWrite(unified, "cgroup.kill", "1", out _))
        {
            ThawAfterKill();
            return;
        }

        bool froze = signal == Signal.SIGKILL && TryFreezeForKill();
        SendToAll(signal, rounds: signal == Signal.SIGKILL && !froze ? MaxKillRounds : 1);
        if (signal == Signal.SIGKILL)
        {
            ThawAfterKill();
        }
    }

    private static void AddPids(string directory, List<int> pids)
    {
        if (!CgroupFile.TryRead(directory, "cgroup.procs", out string text, out Errno why))
        {
            // Removed meanwhile, or threaded (EOPNOTSUPP): then the processes are listed in the parent.
            if (why is Errno.ENOENT or Errno.ENODEV or Errno.EOPNOTSUPP)
            {
                return;
            }

            throw new CgroupException($"read {directory}/cgroup.procs", why);
        }

        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (int.TryParse(line, out int pid) && pid > 0)
            {
                pids.Add(pid);
            }
        }

        foreach (string child in Children(directory))
        {
            AddPids(child, pids);
        }
    }

    private static string[] Children(string directory)
    {
        try
        {
            return Directory.GetDirectories(directory);
        }
        catch (DirectoryNotFoundException)
        {
            return []; // removed meanwhile
        }
    }

    private static ulong ReadEvent(string directory, string name)
    {
        string events = CgroupFile.Read(directory, "cgroup.events");
        return KeyedFile.Find(events, name) ?? 0;
    }

    private void FreezeUnified(bool frozen)
    {
        string directory = UnifiedDirectory ?? throw new CgroupException("freezing needs the freezer controller of cgroup v1, or cgroup v2; neither is mounted");
        using FileFd events = FileCalls.Open($"{directory}/cgroup.events", OpenFlags.O_RDONLY);
        CgroupFile.Write(directory, "cgroup.freeze", frozen ? "1" : "0");
        ulong wanted = frozen ? 1UL : 0UL;
        long start = Stopwatch.GetTimestamp();
        while (ReadEvent(directory, "frozen") != wanted)
        {
            // The kernel wakes pollers of cgroup.events at each change since their last read.
            CgroupFile.TakeNote(events);
            if (ReadEvent(directory, "frozen") == wanted)
            {
                return;
            }

            TimeSpan left = s_patience - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || Poller.Wait(events, PollEvents.Priority, left) == PollEvents.None)
            {
                throw new CgroupException($"{directory}/cgroup.events did not become frozen {wanted} within {s_patience.TotalSeconds} s");
            }
        }
    }

    private bool TryFreezeForKill()
    {
        if (!_paths.TryGetValue("freezer", out string? freezer))
        {
            return false;
        }

        // Whether all have stopped does not matter much: FREEZING already keeps most of them from forking.
        return CgroupFile.TryWrite(freezer, "freezer.state", "FROZEN", out _);
    }

    private void ThawAfterKill()
    {
        if (_paths.TryGetValue("freezer", out string? freezer))
        {
            _ = CgroupFile.TryWrite(freezer, "freezer.state", "THAWED", out _);
        }
        else if (UnifiedDirectory is { } unified)
        {
            _ = CgroupFile.TryWrite(unified, "cgroup.freeze", "0", out _);
        }
    }

    private void SendToAll(Signal signal, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            int sent = 0;
            foreach (int pid in Pids())
            {
                const int SysKill = 62;
                sent += Libc.syscall(SysKill, pid, (int)signal) == 0 ? 1 : 0;
            }

            if (sent == 0)
            {
                return;
            }
        }
    }

    private static void Wait(int firstPauseMicroseconds, string what, Func<bool> done)
    {
        long start = Stopwatch.GetTimestamp();
        for (int pause = firstPauseMicroseconds; !done(); pause = Math.Min(pause * 2, 20_000))
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
            {
                throw new CgroupException($"waited {s_patience.TotalSeconds} s for {what}", Errno.EBUSY);
            }

            Thread.Sleep(TimeSpan.FromMicroseconds(pause));
        }
    }
}
