namespace Caisson.Linux;

/// <summary>One mounted cgroup file system.</summary>
public sealed class CgroupHierarchy
{
    private readonly string _mountRoot;

    internal CgroupHierarchy(string mountPoint, string mountRoot, string ownPath, IReadOnlyList<string> controllers, bool isV2)
    {
        MountPoint = mountPoint;
        _mountRoot = mountRoot;
        OwnPath = BelowMount(mountRoot, ownPath);
        Controllers = controllers;
        IsV2 = isV2;
    }

    /// <summary>Where it is mounted.</summary>
    public string MountPoint { get; }

    /// <summary>The cgroup of this process, as a path below the mount point that starts with a slash.</summary>
    public string OwnPath { get; }

    /// <summary>The directory of the cgroup of this process.</summary>
    public string OwnDirectory => OwnPath == "/" ? MountPoint : MountPoint + OwnPath;

    /// <summary>The controllers of a v1 hierarchy, <c>name=systemd</c> among them; empty for v2.</summary>
    public IReadOnlyList<string> Controllers { get; }

    /// <summary>Whether it is the unified hierarchy of cgroup v2.</summary>
    public bool IsV2 { get; }

    /// <summary>
    /// The directory of a container's cgroup. An absolute path counts from the root of the hierarchy, a relative one from the own cgroup,
    /// and neither can leave it: <c>..</c> at the top stays at the top.
    /// </summary>
    /// <param name="cgroupsPath">As the container's configuration names it.</param>
    public string Resolve(string cgroupsPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(cgroupsPath);
        string clean = Clean(cgroupsPath);
        return cgroupsPath[0] == '/' || OwnPath == "/" ? MountPoint + clean : MountPoint + OwnPath + clean;
    }

    /// <summary>The directory of a cgroup as /proc/PID/cgroup names it, or null where that names one outside of the cgroup namespace.</summary>
    internal string? DirectoryOf(string path) =>
        path.StartsWith("/..", StringComparison.Ordinal) ? null : (MountPoint + BelowMount(_mountRoot, path)).TrimEnd('/');

    /// <summary>A path that starts with a slash, without empty, <c>.</c> and <c>..</c> parts.</summary>
    /// <param name="path">Any path.</param>
    internal static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part == "..")
            {
                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }
            }
            else if (part.Length > 0 && part != ".")
            {
                parts.Add(part);
            }
        }

        if (parts.Count == 0)
        {
            throw new CgroupException($"cgroup path \"{path}\" names the root, which holds more than one container; name a cgroup below it");
        }

        return "/" + string.Join('/', parts);
    }

    // /proc/self/cgroup counts from the root of the hierarchy (or of the cgroup namespace); a bind mount may show only a part of it.
    private static string BelowMount(string mountRoot, string ownPath)
    {
        if (mountRoot.Length > 1 && ownPath.StartsWith(mountRoot, StringComparison.Ordinal)
            && (ownPath.Length == mountRoot.Length || ownPath[mountRoot.Length] == '/'))
        {
            ownPath = ownPath[mountRoot.Length..];
        }

        // "/.." is how the kernel names a cgroup outside of the cgroup namespace: there is no path to it.
        return ownPath.Length == 0 || ownPath.StartsWith("/..", StringComparison.Ordinal) ? "/" : ownPath;
    }
}
