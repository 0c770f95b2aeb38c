using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>What processes of the guest find around them.</summary>
internal static class GuestEnvironment
{
    // Where cgroups of containers are not: a cgroup that passes controllers down may hold no processes itself (cgroups.rst,
    // "No Internal Process Constraint").
    private const string OwnCgroup = EarlyMounts.CgroupTop + "/agent";

    private const uint DirectoryMode = 0x1ED; // 0755

    internal static void Prepare()
    {
        Environment.SetEnvironmentVariable("PATH", "/bin:/sbin:/usr/bin:/usr/sbin");
        _ = UserIds.SetUmask(0x12 /* 022 */);
        FileCalls.MakeDirectory(OwnCgroup, DirectoryMode);
        SmallFile.Write(OwnCgroup + "/cgroup.procs", "1");
    }

    /// <summary>The name until the host gives one.</summary>
    internal static void SetHostName(string name)
    {
        // HOST_NAME_MAX (include/uapi/linux/utsname.h, __NEW_UTS_LEN).
        const int MaxBytes = 64;
        if (name.Length is 0 or > MaxBytes || name.AsSpan().ContainsAnyExcept(s_hostNameLetters))
        {
            throw Refusal.Invalid($"hostname: at most {MaxBytes} letters, digits, dots, hyphens and underscores are allowed");
        }

        HostName.Set(name);
    }

    private static readonly System.Buffers.SearchValues<char> s_hostNameLetters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
}
