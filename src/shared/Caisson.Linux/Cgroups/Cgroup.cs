using System.Diagnostics.CodeAnalysis;

namespace Caisson.Linux;

/// <summary>
/// A container's cgroup: one directory in each mounted hierarchy. Nothing is held open; whoever knows the paths can act on it,
/// which is how commands that come and go share it.
/// </summary>
public sealed partial class Cgroup
{
    /// <summary>The key of the v2 directory in <see cref="Paths"/>.</summary>
    public const string UnifiedKey = "";

    private readonly Dictionary<string, string> _paths;
    private readonly List<string> _directories = []; // each once, in the order of the layout

    private Cgroup(Dictionary<string, string> paths)
    {
        _paths = paths;
        foreach (string path in paths.Values)
        {
            if (!_directories.Contains(path))
            {
                _directories.Add(path);
            }
        }
    }

    /// <summary>The directory of each controller; v2's has the key "". To be recorded, for <see cref="OfPaths"/>.</summary>
    public IReadOnlyDictionary<string, string> Paths => _paths;

    /// <summary>Whether limits are set in cgroup v2, because no v1 hierarchy is mounted.</summary>
    public bool IsUnified => _paths.Count == 1 && _paths.ContainsKey(UnifiedKey);

    /// <summary>The directory in the v2 hierarchy, or null.</summary>
    public string? UnifiedDirectory => _paths.GetValueOrDefault(UnifiedKey);

    /// <summary>Whether the cgroup is there, be it in one hierarchy only.</summary>
    public bool Exists
    {
        get
        {
            foreach (string directory in _directories)
            {
                if (FileCalls.TryStat(directory, out _, out _))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Names a cgroup without making it.</summary>
    /// <param name="layout">The mounted hierarchies.</param>
    /// <param name="cgroupsPath">Absolute from the root, or relative to the own cgroup.</param>
    public static Cgroup Open(CgroupLayout layout, string cgroupsPath)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (CgroupHierarchy hierarchy in layout.Hierarchies)
        {
            string directory = hierarchy.Resolve(cgroupsPath);
            if (hierarchy.IsV2)
            {
                paths[UnifiedKey] = directory;
            }

            foreach (string controller in hierarchy.Controllers)
            {
                paths[controller] = directory;
            }
        }

        return new Cgroup(paths);
    }

    /// <summary>Names a cgroup by recorded paths.</summary>
    /// <param name="paths">What <see cref="Paths"/> was.</param>
    public static Cgroup OfPaths(IReadOnlyDictionary<string, string> paths) => new(new Dictionary<string, string>(paths, StringComparer.Ordinal));

    /// <summary>The directory of a v1 controller, or with v2 the one directory.</summary>
    /// <param name="controller">Such as <c>memory</c>.</param>
    /// <param name="directory">The directory.</param>
    public bool TryGetDirectory(string controller, [NotNullWhen(true)] out string? directory) =>
        IsUnified ? _paths.TryGetValue(UnifiedKey, out directory) : _paths.TryGetValue(controller, out directory);

    /// <summary>Opens the v2 directory for <see cref="CloneRequest.Cgroup"/>.</summary>
    public DirectoryFd OpenUnifiedDirectory()
    {
        string path = UnifiedDirectory ?? throw new CgroupException("cgroup v2 is not mounted");
        return DirectoryFd.Open(path);
    }

    /// <summary>Moves a process into the cgroup, in every hierarchy.</summary>
    /// <param name="pid">The process; 0 is the caller.</param>
    public void Join(int pid)
    {
        string number = pid.ToString();
        foreach (string directory in _directories)
        {
            CgroupFile.Write(directory, "cgroup.procs", number);
        }
    }

    /// <summary>Moves a process into the cgroup in those hierarchies where it is there.</summary>
    /// <param name="pid">The process.</param>
    public void JoinWhereThere(int pid)
    {
        string number = pid.ToString();
        foreach (string directory in _directories)
        {
            if (FileCalls.TryStat(directory, out _, out _))
            {
                CgroupFile.Write(directory, "cgroup.procs", number);
            }
        }
    }

    /// <summary>
    /// Moves the calling process, which has a single thread, into the cgroup: for a child just cloned, before it enters a user namespace.
    /// Where <see cref="Join"/> waits for all CPUs in every call (about a millisecond each, cgroup_threadgroup_rwsem), the kernel takes a
    /// thread that moves itself without: 0.3 ms instead of 6 to 13 for nine v1 hierarchies. Of a process with more threads, one would be moved.
    /// </summary>
    /// <param name="isInUnified">The process was cloned into the v2 directory (<see cref="CloneRequest.Cgroup"/>).</param>
    public void JoinAsSingleThread(bool isInUnified)
    {
        foreach (string directory in _directories)
        {
            bool unified = directory == UnifiedDirectory;
            if (!unified)
            {
                CgroupFile.Write(directory, "tasks", "0");
            }
            else if (!isInUnified)
            {
                CgroupFile.Write(directory, "cgroup.procs", "0");
            }
        }
    }

    /// <summary>
    /// Where a further process of a container goes. In v2 a cgroup that has passed controllers on takes no processes itself
    /// (EBUSY): where the container has done that with its own (systemd as init does), this is the cgroup of its init, as for runc.
    /// </summary>
    /// <param name="init">The container's init, as this process sees it.</param>
    public Cgroup ForFurtherProcess(int init)
    {
        if (UnifiedDirectory is not { } own || !CgroupFile.TryRead(own, "cgroup.subtree_control", out string passedOn, out _)
            || passedOn.AsSpan().Trim().IsEmpty)
        {
            return this;
        }

        // The container may name cgroups as it likes, but only below its own.
        string? ofInit = CgroupLayout.Discover().UnifiedDirectoryOf(init);
        return ofInit?.StartsWith(own + "/", StringComparison.Ordinal) == true
            ? new Cgroup(new Dictionary<string, string>(_paths, StringComparer.Ordinal) { [UnifiedKey] = ofInit })
            : this;
    }

    // Where the tasks are listed: any hierarchy would do. The freezer's is asked because it may have just stopped them.
    private string ListingDirectory =>
        _paths.TryGetValue("freezer", out string? freezer) ? freezer
        : _directories.Count > 0 ? _directories[0] : throw new CgroupException("the cgroup has no directory");
}
