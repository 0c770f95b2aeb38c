using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>Compares the machine after a test with the machine before it.</summary>
public sealed class LeakCheck
{
    // What is going away is waited for: a killed process, a cgroup that is emptying.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Math.Min(30, Deadline.Patience.TotalSeconds));

    private readonly string[] _marks;
    private readonly string[] _directories;
    private readonly HashSet<string> _before;

    private LeakCheck(string[] marks, string[] directories)
    {
        _marks = marks;
        _directories = directories;
        _before = [.. Look().Lines.Keys];
    }

    /// <param name="marks">Texts that only things of this test contain.</param>
    /// <param name="directories">Directories that must be empty, or absent, afterwards.</param>
    public static LeakCheck Begin(string[] marks, string[] directories) => new(marks, directories);

    /// <exception cref="HarnessException">Something is left; the message lists it.</exception>
    public void RequireNothingLeft()
    {
        List<string> left = [];
        Deadline.TryWait(() => (left = Left()).Count == 0, s_patience);
        if (left.Count > 0)
        {
            throw new HarnessException($"left behind:\n  {string.Join("\n  ", left)}");
        }
    }

    /// <summary>Takes away what a failed test left, so that it is the only one that fails.</summary>
    public void Sweep()
    {
        MachineSnapshot now = Look();
        foreach (string cgroup in now.CgroupDirectories.Where(IsNew("cgroup ")))
        {
            SmallFile.TryWrite(Path.Combine(cgroup, "freezer.state"), "THAWED", out _);
        }

        foreach (int pid in now.Pids.Where(pid => !_before.Any(line => line.StartsWith($"process {pid},", StringComparison.Ordinal))))
        {
            if (PidFd.TryOpen(pid, out PidFd? process, out _))
            {
                process.TrySendSignal(Signal.SIGKILL, out _);
                process.Dispose();
            }
        }

        Deadline.TryWait(() => Left().TrueForAll(line => !line.StartsWith("process ", StringComparison.Ordinal)), s_patience);
        now = Look();
        foreach (string mountPoint in now.MountPoints.AsEnumerable().Reverse().Where(IsOurs))
        {
            MountCalls.TryUnmount(mountPoint, UnmountFlags.MNT_DETACH, out _);
        }

        foreach (string directory in now.CgroupDirectories.OrderByDescending(name => name.Length).Where(IsNew("cgroup ")))
        {
            FileCalls.TryRemove(directory, isDirectory: true, out _);
        }

        foreach (string directory in now.SandboxDirectories.Where(IsNew("sandbox directory ")))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private Func<string, bool> IsNew(string kind) => path => !_before.Any(line => line.StartsWith(kind + path, StringComparison.Ordinal));

    private bool IsOurs(string text) => _marks.Any(mark => text.Contains(mark, StringComparison.Ordinal));

    private MachineSnapshot Look()
    {
        Orphans.Reap();
        return MachineSnapshot.Take(_marks);
    }

    private List<string> Left()
    {
        List<string> left = [.. Look().Lines.Where(line => !_before.Contains(line.Key)).Select(static line => line.Value)];
        foreach (string directory in _directories.Where(Directory.Exists))
        {
            left.AddRange(Directory.EnumerateFileSystemEntries(directory).Select(entry => $"in a directory that should be empty: {entry}"));
        }

        return left;
    }
}
