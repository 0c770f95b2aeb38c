using System.Text;

namespace Caisson.Linux;

/// <summary>A range of ids of a user namespace (user_namespaces(7)).</summary>
/// <param name="InsideId">Its first id inside.</param>
/// <param name="OutsideId">Its first id in the namespace of whoever opens the map file.</param>
/// <param name="Count">How many.</param>
public readonly record struct IdMap(uint InsideId, uint OutsideId, uint Count)
{
    // UID_GID_MAP_MAX_EXTENTS (include/linux/user_namespace.h).
    private const int MaxRanges = 340;

    /// <summary>Writes /proc/PID/uid_map, once for each user namespace.</summary>
    public static void WriteUserMap(int pid, IReadOnlyList<IdMap> ranges) => WriteMap($"/proc/{pid}/uid_map", ranges);

    /// <summary>Writes /proc/PID/gid_map. A writer without CAP_SETGID in the parent namespace calls <see cref="DenySetGroups"/> first.</summary>
    public static void WriteGroupMap(int pid, IReadOnlyList<IdMap> ranges) => WriteMap($"/proc/{pid}/gid_map", ranges);

    /// <summary>Forbids setgroups(2) in the user namespace of a process.</summary>
    public static void DenySetGroups(int pid) => SmallFile.Write($"/proc/{pid}/setgroups", "deny");

    /// <summary>The form that the kernel and newuidmap(1) read: one line for each range.</summary>
    public static string Format(IReadOnlyList<IdMap> ranges)
    {
        var text = new StringBuilder();
        foreach (IdMap range in ranges)
        {
            text.Append(range.InsideId).Append(' ').Append(range.OutsideId).Append(' ').Append(range.Count).Append('\n');
        }

        return text.ToString();
    }

    private static void WriteMap(string path, IReadOnlyList<IdMap> ranges)
    {
        if (ranges.Count > MaxRanges)
        {
            throw new SyscallException($"write({path}): {ranges.Count} ranges, the kernel takes {MaxRanges}", Errno.EINVAL);
        }

        SmallFile.Write(path, Format(ranges));
    }
}
