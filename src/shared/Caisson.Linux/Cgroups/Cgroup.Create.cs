using System.Runtime.InteropServices;

namespace Caisson.Linux;

public sealed partial class Cgroup
{
    private const uint DirectoryMode = 0x1ED; // 0755

    /// <summary>Makes the cgroup in every mounted hierarchy. Directories that exist already are used as they are.</summary>
    /// <param name="layout">The mounted hierarchies.</param>
    /// <param name="cgroupsPath">Absolute from the root, or relative to the own cgroup.</param>
    public static Cgroup Create(CgroupLayout layout, string cgroupsPath)
    {
        Cgroup cgroup = Open(layout, cgroupsPath);
        foreach (CgroupHierarchy hierarchy in layout.Hierarchies)
        {
            string directory = hierarchy.Resolve(cgroupsPath);
            if (hierarchy.IsV2)
            {
                MakeUnified(hierarchy.MountPoint, directory, enableControllers: layout.Mode == CgroupMode.Unified);
            }
            else if (Contains(hierarchy.Controllers, "cpuset"))
            {
                MakeCpuset(hierarchy.MountPoint, directory);
            }
            else
            {
                MakeDirectories(hierarchy.MountPoint, directory);
            }
        }

        return cgroup;
    }

    /// <summary>As <see cref="Create"/>, in the v2 hierarchy alone, if there is one: what <see cref="CloneRequest.Cgroup"/> needs.</summary>
    /// <param name="layout">The mounted hierarchies.</param>
    /// <param name="cgroupsPath">Absolute from the root, or relative to the own cgroup.</param>
    public static void CreateUnified(CgroupLayout layout, string cgroupsPath)
    {
        if (layout.Unified is { } hierarchy)
        {
            MakeUnified(hierarchy.MountPoint, hierarchy.Resolve(cgroupsPath), enableControllers: layout.Mode == CgroupMode.Unified);
        }
    }

    // Nearly always only the last part is missing: it is tried first.
    private static void MakeDirectories(string top, string directory)
    {
        if (TryMake(directory, out Errno why))
        {
            return;
        }

        if (why != Errno.ENOENT || directory.Length <= top.Length)
        {
            throw new CgroupException($"mkdir {directory}", why);
        }

        MakeDirectories(top, Parent(directory));
        if (!TryMake(directory, out why))
        {
            throw new CgroupException($"mkdir {directory}", why);
        }
    }

    private static bool TryMake(string directory, out Errno why)
    {
        why = Libc.mkdir_path(directory, DirectoryMode) == 0 ? Errno.None : Libc.LastError;
        why = why == Errno.EEXIST ? Errno.None : why;
        return why == Errno.None;
    }

    // A new cpuset has no CPU and no memory, and no task can join it until it has: each level copies from the one above.
    private static void MakeCpuset(string top, string directory)
    {
        if (directory.Length <= top.Length)
        {
            return;
        }

        if (!TryMake(directory, out Errno why))
        {
            if (why != Errno.ENOENT)
            {
                throw new CgroupException($"mkdir {directory}", why);
            }

            MakeCpuset(top, Parent(directory));
            MakeCpuset(top, directory);
            return;
        }

        CopyWhenEmpty(top, directory, "cpuset.cpus");
        CopyWhenEmpty(top, directory, "cpuset.mems");
    }

    private static void CopyWhenEmpty(string top, string directory, string file)
    {
        if (CgroupFile.Read(directory, file).AsSpan().Trim().Length > 0)
        {
            return;
        }

        string parent = Parent(directory);
        string value = CgroupFile.Read(parent, file).Trim();
        if (value.Length == 0 && parent.Length > top.Length)
        {
            CopyWhenEmpty(top, parent, file);
            value = CgroupFile.Read(parent, file).Trim();
        }

        CgroupFile.Write(directory, file, value);
    }

    // A controller works in a cgroup only where every ancestor has passed it down.
    private static void MakeUnified(string top, string directory, bool enableControllers)
    {
        MakeDirectories(top, directory);
        if (!enableControllers)
        {
            return;
        }

        for (int end = top.Length; end < directory.Length;)
        {
            EnableControllers(directory[..end]);
            int next = directory.IndexOf('/', end + 1);
            end = next < 0 ? directory.Length : next;
        }
    }

    // All at once where possible. What cannot be enabled (a controller in use by v1, tasks in that cgroup) is left out: a limit that
    // needs it fails later, with the name of its file.
    private static void EnableControllers(string directory)
    {
        string[] available = CgroupFile.Read(directory, "cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (available.Length == 0 || CgroupFile.TryWrite(directory, "cgroup.subtree_control", "+" + string.Join(" +", available), out _))
        {
            return;
        }

        foreach (string controller in available)
        {
            _ = CgroupFile.TryWrite(directory, "cgroup.subtree_control", "+" + controller, out _);
        }
    }

    /// <summary>Lets every ancestor in the v2 hierarchy pass a controller down, as far as the kernel lets it.</summary>
    internal void PassDown(string controller)
    {
        if (UnifiedDirectory is not { } directory)
        {
            return;
        }

        var ancestors = new Stack<string>();
        for (string above = Parent(directory); FileCalls.TryStat($"{above}/cgroup.subtree_control", out _, out _); above = Parent(above))
        {
            ancestors.Push(above);
        }

        while (ancestors.TryPop(out string? above))
        {
            _ = CgroupFile.TryWrite(above, "cgroup.subtree_control", "+" + controller, out _);
        }
    }

    private static string Parent(string directory) => directory[..directory.LastIndexOf('/')];

    private static bool Contains(IReadOnlyList<string> names, string wanted)
    {
        foreach (string name in names)
        {
            if (name == wanted)
            {
                return true;
            }
        }

        return false;
    }
}

internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdir_path(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rmdir_path(string path);
}
