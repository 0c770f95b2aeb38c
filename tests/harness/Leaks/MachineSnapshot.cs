using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>
/// Everything on this machine that a container may leave behind: lines for people, by what makes a thing the same one (a process is the
/// same whatever it does and is called meanwhile). Other tests and other people's containers may come and go meanwhile, so what is not told to be ours by its ancestry or its name is left out.
/// </summary>
public sealed class MachineSnapshot
{
    private readonly Dictionary<string, string> _lines = new(StringComparer.Ordinal);
    private readonly List<ProcessEntry> _all = ProcessTable.Read();
    private readonly HashSet<string> _marks;

    private MachineSnapshot(IEnumerable<string> marks)
    {
        _marks = [.. marks];
        AddProcesses();
        AddMounts();
        AddCgroups();
        AddNetworks();
        AddLoopDevices();
        AddUnixSockets();
        AddSandboxes();
    }

    public IReadOnlyDictionary<string, string> Lines => _lines;

    /// <summary>Processes of ours that live.</summary>
    public List<int> Pids { get; } = [];

    public List<string> MountPoints { get; } = [];

    public List<string> CgroupDirectories { get; } = [];

    public List<string> SandboxDirectories { get; } = [];

    /// <param name="marks">Texts that only things of this test contain: its directory, the beginning of its ids.</param>
    public static MachineSnapshot Take(params IEnumerable<string> marks) => new(marks);

    private bool IsOurs(string text) => _marks.Any(mark => text.Contains(mark, StringComparison.Ordinal));

    private void Add(string line) => _lines[line] = line;

    // All that our commands start stays below this process, which is a subreaper; the marks find what managed to leave.
    private void AddProcesses()
    {
        var below = ProcessTable.Descendants(_all).Select(process => process.Pid).ToHashSet();
        foreach (ProcessEntry process in _all)
        {
            if (process.IsZombie || process.Pid == Environment.ProcessId)
            {
                continue;
            }

            if (below.Contains(process.Pid) || IsOurs(ProcessTable.CommandLine(process.Pid)) || IsOurs(ProcessTable.Text($"/proc/{process.Pid}/cgroup")))
            {
                Pids.Add(process.Pid);
                string key = $"process {process.Pid}, started at tick {process.StartTicks}";
                _lines[key] = $"{key}: {ProcessTable.Describe(process.Pid)}";
            }
        }
    }

    private void AddMounts()
    {
        foreach (MountInfo mount in MountInfo.Read())
        {
            string line = $"mount {mount.MountPoint} of {mount.Source} ({mount.Type})";
            if (IsOurs(line) || mount.MountPoint.StartsWith("/run/caisson", StringComparison.Ordinal) || mount.Type == "nsfs")
            {
                MountPoints.Add(mount.MountPoint);
                Add(line);
            }
        }
    }

    private void AddCgroups()
    {
        foreach (CgroupHierarchy hierarchy in CgroupLayout.Discover().Hierarchies)
        {
            AddCgroupsBelow(hierarchy.MountPoint);
        }
    }

    private void AddCgroupsBelow(string directory)
    {
        string[] children;
        try
        {
            children = Directory.GetDirectories(directory);
        }
        catch (IOException)
        {
            return; // removed meanwhile
        }

        foreach (string child in children)
        {
            if (IsOurs(child))
            {
                CgroupDirectories.Add(child);
                Add($"cgroup {child}");
            }

            AddCgroupsBelow(child);
        }
    }

    private void AddNetworks()
    {
        foreach (string name in Entries("/run/netns"))
        {
            Add($"network namespace {name}");
        }

        foreach (string link in Entries("/sys/class/net"))
        {
            Add($"network link {Path.GetFileName(link)}");
        }
    }

    private void AddLoopDevices()
    {
        foreach (string device in Entries("/sys/block"))
        {
            string backing = ProcessTable.Text(Path.Combine(device, "loop/backing_file")).TrimEnd();
            if (backing.Length > 0 && IsOurs(backing))
            {
                Add($"loop device {Path.GetFileName(device)} of {backing}");
            }
        }
    }

    private void AddUnixSockets()
    {
        foreach (string line in ProcessTable.Text("/proc/net/unix").Split('\n'))
        {
            int path = line.IndexOf('/');
            if (path >= 0 && IsOurs(line[path..]))
            {
                Add($"unix socket {line[path..]}");
            }
        }
    }

    // Sandboxes are named by random numbers: whose one is says what is written in it, or who works on it.
    private void AddSandboxes()
    {
        foreach (string directory in Entries("/run/caisson/sandboxes"))
        {
            string name = Path.GetFileName(directory);
            bool foreign = _all.Any(process => !Pids.Contains(process.Pid) && ProcessTable.CommandLine(process.Pid).Contains(name, StringComparison.Ordinal));
            bool known = Entries(directory).Any(file => IsRegular(file) && IsOurs(ProcessTable.Text(file)));
            if (known || !foreign)
            {
                SandboxDirectories.Add(directory);
                _lines[$"sandbox directory {directory}"] = $"sandbox directory {directory}, with: {string.Join(' ', Entries(directory).Select(Path.GetFileName))}";
            }
        }
    }

    // Reading a fifo would wait for a writer.
    private static bool IsRegular(string path) => FileCalls.TryStat(path, out FileStatus status, out _) && status.Type == FileType.Regular;

    private static string[] Entries(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
