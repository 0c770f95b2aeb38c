namespace Caisson.Oci;

/// <summary>Rules for the limits of a cgroup (config-linux.md, "Control groups").</summary>
internal static class ResourceRules
{
    internal static void Check(LinuxResources resources, string at, SpecVerdict verdict)
    {
        for (int i = 0; i < resources.Devices.Count; i++)
        {
            CheckDevice(resources.Devices[i], $"{at}devices[{i}]", verdict);
        }
        // Docker writes -1 as an unsigned number for "leave it alone".
        if (resources.Memory?.Swappiness is > 100 and < ulong.MaxValue)
        {
            verdict.Error(at + "memory.swappiness", "must be from 0 to 100");
        }
        CheckCpu(resources.Cpu, at, verdict);
        for (int i = 0; i < resources.HugepageLimits.Count; i++)
        {
            if (!IsPageSize(resources.HugepageLimits[i].PageSize))
            {
                verdict.Error($"{at}hugepageLimits[{i}].pageSize", "must be a size such as 64KB, 2MB or 1GB");
            }
        }
        SpecList<LinuxInterfacePriority> priorities = resources.Network?.Priorities ?? [];
        for (int i = 0; i < priorities.Count; i++)
        {
            if (!NamespaceRules.IsInterfaceName(priorities[i].Name))
            {
                verdict.Error($"{at}network.priorities[{i}].name", "invalid network device name");
            }
        }
        foreach (KeyValuePair<string, string> file in resources.Unified)
        {
            // The key names a file in the cgroup's directory: nothing may lead out of it.
            if (file.Key.Contains('/') || file.Key is "" or "." or "..")
            {
                verdict.Error(JsonPath.Join(at + "unified", file.Key), $"unified resource {Quoted.Text(file.Key)} must be a file name (no slashes)");
            }
        }
    }

    private static void CheckDevice(LinuxDeviceCgroup rule, string at, SpecVerdict verdict)
    {
        if (rule.Type is not (null or "a" or "b" or "c"))
        {
            verdict.Error(at + ".type", $"invalid cgroup device type {Quoted.Text(rule.Type)}");
        }
        if (rule.Access is null)
        {
            verdict.Error(at + ".access", "device access field cannot be empty");
        }
        else if (!rule.Access.AsSpan().ContainsAny("rwm"))
        {
            verdict.Error(at + ".access", $"must be made of r, w and m: {Quoted.Text(rule.Access)}");
        }
        else if (rule.Access.AsSpan().ContainsAnyExcept("rwm"))
        {
            // runc drops other letters without a word, and there are configurations that have them.
            verdict.Warn(at + ".access", $"letters other than r, w and m mean nothing: {Quoted.Text(rule.Access)}");
        }
        if (rule.Major is < -1 || rule.Minor is < -1)
        {
            verdict.Error(at, "a device number cannot be negative; -1 is any");
        }
    }

    private static void CheckCpu(LinuxCpu? cpu, string at, SpecVerdict verdict)
    {
        if (cpu is null)
        {
            return;
        }
        if (cpu.Quota is { } quota and > 0 && cpu.Burst > (ulong)quota)
        {
            verdict.Error(at + "cpu.burst", "must not be larger than the quota");
        }
        if (cpu.Idle is not (null or 0 or 1))
        {
            verdict.Error(at + "cpu.idle", "must be 0 or 1");
        }
    }

    // The file's name in the hugetlb controller: digits without a leading zero, then KB, MB or GB.
    private static bool IsPageSize(string size)
    {
        int digits = size.AsSpan().IndexOfAnyExceptInRange('0', '9');
        return digits > 0 && size[0] != '0' && size[digits..] is "KB" or "MB" or "GB";
    }
}
