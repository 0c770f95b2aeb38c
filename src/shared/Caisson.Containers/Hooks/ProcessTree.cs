using System.Globalization;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>A process and what it has started: a hook is a shell script as often as not, and what hangs is its child.</summary>
internal static class ProcessTree
{
    // Deeper than any script; keeps a tree that grows while it is walked from holding us.
    private const int MaxDepth = 32;

    /// <summary>Kills a process and its descendants, but for those that made themselves daemons. The caller reaps the process.</summary>
    /// <param name="pid">The process, a child of ours: it is not reaped, so the pid is its own.</param>
    /// <param name="process">The same process.</param>
    internal static void Kill(int pid, PidFd process)
    {
        // A procfs of another pid namespace shows other processes under these numbers. There the namespace's end takes the children away.
        if (IsOwnProcfs())
        {
            Kill(pid, process, MaxDepth);
        }

        _ = process.TrySendSignal((int)Signal.SIGKILL, out _);
    }

    /// <summary>Kills and reaps every child of this process: for a command that has one thread, and has failed.</summary>
    internal static void EndOwnChildren()
    {
        foreach (int child in IsOwnProcfs() ? Children(ProcessIdentity.OwnPid) : [])
        {
            using PidFd process = PidFd.Open(child);
            _ = process.TrySendSignal((int)Signal.SIGKILL, out _);
            _ = process.Wait();
        }
    }

    // Stopped first, so that no child is added behind us; the children before their parent, because they would become somebody else's.
    private static void Kill(int pid, PidFd process, int depth)
    {
        _ = process.TrySendSignal((int)Signal.SIGSTOP, out _);
        foreach (int child in depth > 0 ? Children(pid) : [])
        {
            if (!PidFd.TryOpen(child, out PidFd? opened, out _))
            {
                continue;
            }

            using (opened)
            {
                // Looked at again: then it is this very child that the pidfd means.
                if (Children(pid).Contains(child))
                {
                    Kill(child, opened, depth - 1);
                    _ = opened.TrySendSignal((int)Signal.SIGKILL, out _);
                }
            }
        }
    }

    // /proc/PID/task/TID/children (proc(5)): the children of each thread.
    private static List<int> Children(int pid)
    {
        var children = new List<int>();
        try
        {
            foreach (string task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
            {
                string text = SmallFile.TryReadText(task + "/children", out string read, out _) ? read : "";
                foreach (string number in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    children.Add(int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture));
                }
            }
        }
        catch (IOException)
        {
            // It has ended meanwhile.
        }

        return children;
    }

    private static bool IsOwnProcfs()
    {
        try
        {
            using DirectoryFd proc = DirectoryFd.Open("/proc");
            return FileCalls.ReadLink(proc, "self") == ProcessIdentity.OwnPid.ToString(CultureInfo.InvariantCulture);
        }
        catch (SyscallException)
        {
            return false;
        }
    }
}
