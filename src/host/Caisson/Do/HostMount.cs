using Caisson.Linux;

namespace Caisson;

/// <summary>One mount of the host that <c>do</c> shows.</summary>
internal sealed class HostMount : IDisposable
{
    // The container gets its own of these, or none.
    private static readonly string[] s_ownTrees = ["/proc", "/sys", "/dev", "/run", "/tmp"];

    // File systems that show or control the kernel rather than hold files.
    private static readonly string[] s_kernelTypes =
    [
        "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "debugfs", "tracefs", "securityfs", "bpf", "fusectl", "configfs",
        "pstore", "hugetlbfs", "autofs", "nsfs", "binfmt_misc", "rpc_pipefs", "efivarfs", "selinuxfs",
    ];

    private HostMount(string point, string type, MountFd tree, bool isDirectory)
    {
        Point = point;
        Type = type;
        Tree = tree;
        IsDirectory = isDirectory;
    }

    internal string Point { get; }

    internal string Type { get; }

    /// <summary>A detached copy of this mount alone.</summary>
    internal MountFd Tree { get; }

    internal bool IsDirectory { get; }

    /// <summary>The mounts to show, outermost first.</summary>
    /// <param name="place">Where the view is being built: never a part of itself.</param>
    internal static List<HostMount> Select(string place)
    {
        var points = new List<(string Point, string Type)>();
        foreach (MountInfo mount in MountInfo.Read())
        {
            // The last one at a place hides those below it.
            points.RemoveAll(earlier => earlier.Point == mount.MountPoint);
            points.Add((mount.MountPoint, mount.Type));
        }

        var mounts = new List<HostMount>();
        foreach ((string point, string type) in points)
        {
            if (point == "/" || (IsShown(point, type) && !IsBelow(place, point) && !IsBelow(point, place)))
            {
                Add(mounts, point, type);
            }
        }

        mounts.Sort((left, right) => left.Point.Length.CompareTo(right.Point.Length));
        return mounts;
    }

    public void Dispose() => Tree.Dispose();

    private static void Add(List<HostMount> mounts, string point, string type)
    {
        try
        {
            MountFd tree = MountCalls.OpenTree(point, OpenTreeFlags.OPEN_TREE_CLONE);
            mounts.Add(new HostMount(point, type, tree, FileCalls.Stat(tree).Type == FileType.Directory));
        }
        catch (SyscallException buried) when (buried.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            // A later mount on a parent has buried it: it is not shown, as it is not seen on the host.
        }
    }

    private static bool IsShown(string point, string type)
    {
        foreach (string tree in s_ownTrees)
        {
            if (IsBelow(point, tree))
            {
                return false;
            }
        }

        return Array.IndexOf(s_kernelTypes, type) < 0;
    }

    private static bool IsBelow(string path, string ancestor) =>
        path == ancestor || path.StartsWith(ancestor + "/", StringComparison.Ordinal);
}
