namespace Caisson.Linux;

/// <summary>Which versions of cgroups are mounted.</summary>
public enum CgroupMode
{
    /// <summary>v1 hierarchies only.</summary>
    Legacy,

    /// <summary>v1 hierarchies, and v2 beside them.</summary>
    Hybrid,

    /// <summary>v2 only.</summary>
    Unified,
}

/// <summary>The cgroup hierarchies that this process sees, and its own place in them.</summary>
public sealed class CgroupLayout
{
    private CgroupLayout(IReadOnlyList<CgroupHierarchy> hierarchies)
    {
        Hierarchies = hierarchies;
        bool v1 = false;
        foreach (CgroupHierarchy hierarchy in hierarchies)
        {
            v1 |= !hierarchy.IsV2;
            Unified = hierarchy.IsV2 ? hierarchy : Unified;
        }

        Mode = Unified is null ? CgroupMode.Legacy : v1 ? CgroupMode.Hybrid : CgroupMode.Unified;
    }

    /// <summary>Which versions are mounted.</summary>
    public CgroupMode Mode { get; }

    /// <summary>All hierarchies, each once.</summary>
    public IReadOnlyList<CgroupHierarchy> Hierarchies { get; }

    /// <summary>The v2 hierarchy, when it is mounted.</summary>
    public CgroupHierarchy? Unified { get; }

    /// <summary>The v1 hierarchy of a controller, or null.</summary>
    /// <param name="controller">Its name, such as <c>memory</c> or <c>name=systemd</c>.</param>
    public CgroupHierarchy? Find(string controller)
    {
        foreach (CgroupHierarchy hierarchy in Hierarchies)
        {
            foreach (string name in hierarchy.Controllers)
            {
                if (name == controller)
                {
                    return hierarchy;
                }
            }
        }

        return null;
    }

    /// <summary>The same without some hierarchies.</summary>
    /// <param name="isKept">Which ones stay.</param>
    public CgroupLayout Where(Predicate<CgroupHierarchy> isKept)
    {
        ArgumentNullException.ThrowIfNull(isKept);
        var kept = new List<CgroupHierarchy>();
        foreach (CgroupHierarchy hierarchy in Hierarchies)
        {
            if (isKept(hierarchy))
            {
                kept.Add(hierarchy);
            }
        }

        return new CgroupLayout(kept);
    }

    /// <summary>Reads /proc/self/mountinfo and /proc/self/cgroup.</summary>
    /// <exception cref="CgroupException">No cgroup file system is mounted.</exception>
    public static CgroupLayout Discover()
    {
        CgroupLayout layout = Parse(SmallFile.Read("/proc/self/mountinfo"), SmallFile.ReadText("/proc/self/cgroup"));
        return layout.Hierarchies.Count > 0
            ? layout
            : throw new CgroupException("no cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup");
    }

    /// <summary>The v2 directory of another process, or null where it cannot be told or is outside of what this process sees.</summary>
    /// <param name="pid">The process.</param>
    public string? UnifiedDirectoryOf(int pid) =>
        Unified is not null && SmallFile.TryReadText($"/proc/{pid}/cgroup", out string text, out _) && ParseOwn(text).TryGetValue("", out string? path)
            ? Unified.DirectoryOf(path)
            : null;

    /// <summary>Reads the contents of the two files.</summary>
    /// <param name="mountInfo">The content of /proc/PID/mountinfo.</param>
    /// <param name="ownCgroups">The content of /proc/PID/cgroup.</param>
    public static CgroupLayout Parse(ReadOnlySpan<byte> mountInfo, string ownCgroups)
    {
        ArgumentNullException.ThrowIfNull(ownCgroups);
        Dictionary<string, string> own = ParseOwn(ownCgroups);
        var hierarchies = new List<CgroupHierarchy>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!mountInfo.IsEmpty)
        {
            int end = mountInfo.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? mountInfo : mountInfo[..end];
            mountInfo = end < 0 ? default : mountInfo[(end + 1)..];

            // Hosts have thousands of mounts and a dozen hierarchies: only their lines are worth parsing.
            if (line.IndexOf(" - cgroup"u8) >= 0 && Hierarchy(MountInfo.Parse(line)[0], own) is { } hierarchy
                && seen.Add(hierarchy.IsV2 ? "" : hierarchy.Controllers[0]))
            {
                hierarchies.Add(hierarchy);
            }
        }

        return new CgroupLayout(hierarchies);
    }

    private static CgroupHierarchy? Hierarchy(MountInfo mount, Dictionary<string, string> own)
    {
        if (mount.Type == "cgroup2")
        {
            return new CgroupHierarchy(mount.MountPoint, mount.Root, own.GetValueOrDefault("", "/"), [], true);
        }

        // Super options mix controllers with options such as rw and xattr: /proc/self/cgroup tells which are controllers.
        var controllers = new List<string>();
        foreach (string option in mount.Type == "cgroup" ? mount.SuperOptions.Split(',') : [])
        {
            if (own.ContainsKey(option))
            {
                controllers.Add(option);
            }
        }

        return controllers.Count == 0 ? null : new CgroupHierarchy(mount.MountPoint, mount.Root, own[controllers[0]], controllers, false);
    }

    // Lines are "id:controller,controller:path"; v2's has no controllers. A path may contain colons.
    private static Dictionary<string, string> ParseOwn(string text)
    {
        var own = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(':', 3);
            if (fields.Length == 3)
            {
                foreach (string controller in fields[1].Split(','))
                {
                    own[controller] = fields[2];
                }
            }
        }

        return own;
    }
}
