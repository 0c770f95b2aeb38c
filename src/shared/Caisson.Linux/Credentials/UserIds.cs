namespace Caisson.Linux;

/// <summary>
/// User and group ids of the calling <em>thread</em>. The kernel's calls are used and not the C library's, which sends signals to every thread
/// it remembers: in a cloned child those threads do not exist. Meant for processes with one thread.
/// </summary>
public static class UserIds
{
    /// <summary>The effective uid.</summary>
    public static uint EffectiveUser => Libc.geteuid();

    /// <summary>Whether this process is in a user namespace other than the first: its root is not the machine's.</summary>
    public static bool IsInUserNamespace =>
        SmallFile.TryReadText("/proc/self/uid_map", out string map, out _)
        && map.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) is not ["0", "0", "4294967295"];

    /// <summary>The effective gid.</summary>
    public static uint EffectiveGroup => Libc.getegid();

    /// <summary>Sets real, effective and saved uid.</summary>
    public static void SetUser(uint userId) => Libc.Check(Libc.setresuid(117, userId, userId, userId), $"setresuid({userId})");

    /// <summary>Sets real, effective and saved gid.</summary>
    public static void SetGroup(uint groupId) => Libc.Check(Libc.setresgid(119, groupId, groupId, groupId), $"setresgid({groupId})");

    /// <summary>Replaces the supplementary groups.</summary>
    /// <exception cref="SyscallException">EPERM also where the user namespace denies setgroups.</exception>
    public static void SetSupplementaryGroups(ReadOnlySpan<uint> groupIds) =>
        Libc.Check(Libc.setgroups(116, (nuint)groupIds.Length, groupIds), "setgroups");

    /// <summary>Sets the umask and returns the old one.</summary>
    public static uint SetUmask(uint mask) => Libc.umask(mask);
}
