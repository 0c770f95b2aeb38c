namespace Caisson.Oci;

/// <summary>Rules for the rest of the Linux part (config-linux.md).</summary>
internal static class LinuxRules
{
    internal static void Check(OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        CheckPaths(linux.MaskedPaths, "linux.maskedPaths", verdict);
        CheckPaths(linux.ReadonlyPaths, "linux.readonlyPaths", verdict);
        CheckDevices(linux.Devices, verdict);
        CheckCgroupsPath(linux.CgroupsPath, validation, verdict);
        if (linux.RootfsPropagation is not (null or "private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared" or "unbindable" or "runbindable"))
        {
            verdict.Error("linux.rootfsPropagation", $"rootfsPropagation={Quoted.Text(linux.RootfsPropagation)} is not supported");
        }
        if (linux.Resources is not null)
        {
            ResourceRules.Check(linux.Resources, "linux.resources.", verdict);
        }
        SeccompRules.Check(linux.Seccomp, verdict);
        CheckIntelRdt(linux.IntelRdt, verdict);
        CheckMemoryPolicy(linux.MemoryPolicy, verdict);
        CheckPersonality(linux.Personality, verdict);
    }

    private static void CheckPaths(SpecList<string> paths, string at, SpecVerdict verdict)
    {
        for (int i = 0; i < paths.Count; i++)
        {
            if (!paths[i].StartsWith('/'))
            {
                verdict.Error($"{at}[{i}]", "must be an absolute path");
            }
        }
    }

    private static void CheckDevices(SpecList<LinuxDevice> devices, SpecVerdict verdict)
    {
        for (int i = 0; i < devices.Count; i++)
        {
            LinuxDevice device = devices[i];
            if (device.Type is not ("c" or "u" or "b" or "p"))
            {
                verdict.Error($"linux.devices[{i}].type", $"invalid device type {Quoted.Text(device.Type)}");
            }
            if (!device.Path.StartsWith('/'))
            {
                verdict.Error($"linux.devices[{i}].path", "must be an absolute path");
            }
            // include/linux/kdev_t.h: 12 bits of major, 20 bits of minor number
            if (device.Major is < 0 or > 0xfff || device.Minor is < 0 or > 0xfffff)
            {
                verdict.Error($"linux.devices[{i}]", $"no device has the numbers {device.Major}:{device.Minor}");
            }
        }
    }

    private static void CheckCgroupsPath(string? path, SpecValidation validation, SpecVerdict verdict)
    {
        if (path is null)
        {
            return;
        }
        if (validation.SystemdCgroup)
        {
            if (path.Split(':').Length != 3)
            {
                verdict.Error("linux.cgroupsPath", $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got {Quoted.Text(path)} instead");
            }
        }
        else if (path.Contains('\n') || Array.IndexOf(path.Split('/'), "..") >= 0)
        {
            verdict.Error("linux.cgroupsPath", "must not contain .. or a line's end");
        }
    }

    private static void CheckIntelRdt(LinuxIntelRdt? rdt, SpecVerdict verdict)
    {
        if (rdt is null)
        {
            return;
        }
        if (rdt.ClosId is "." or ".." || rdt.ClosId is { Length: > 1 } id && id.Contains('/'))
        {
            verdict.Error("linux.intelRdt.closID", $"invalid intelRdt.ClosID {Quoted.Text(rdt.ClosId)}");
        }
        if (rdt.L3CacheSchema?.Contains('\n') == true)
        {
            verdict.Error("linux.intelRdt.l3CacheSchema", "must be one line");
        }
        if (rdt.MemBwSchema is { } bandwidth && (!bandwidth.StartsWith("MB:", StringComparison.Ordinal) || bandwidth.Contains('\n')))
        {
            verdict.Error("linux.intelRdt.memBwSchema", "must be one line that starts with MB:");
        }
        for (int i = 0; i < rdt.Schemata.Count; i++)
        {
            if (rdt.Schemata[i].Contains('\n'))
            {
                verdict.Error($"linux.intelRdt.schemata[{i}]", "must be one line");
            }
        }
    }

    private static void CheckMemoryPolicy(LinuxMemoryPolicy? policy, SpecVerdict verdict)
    {
        if (policy is null)
        {
            return;
        }
        if (!KernelNames.MemoryPolicyModes.Contains(policy.Mode))
        {
            verdict.Error("linux.memoryPolicy.mode", $"invalid memory policy mode {Quoted.Text(policy.Mode)}");
        }
        if (policy.Mode is "MPOL_DEFAULT" or "MPOL_LOCAL" && policy.Nodes is not null)
        {
            verdict.Error("linux.memoryPolicy.nodes", $"{policy.Mode} takes no nodes");
        }
        if (policy.Mode is "MPOL_BIND" or "MPOL_INTERLEAVE" or "MPOL_PREFERRED_MANY" or "MPOL_WEIGHTED_INTERLEAVE" && policy.Nodes is null)
        {
            verdict.Error("linux.memoryPolicy.nodes", $"{policy.Mode} requires at least one node");
        }
        NumberList.Check(policy.Nodes, "linux.memoryPolicy.nodes", verdict);
        for (int i = 0; i < policy.Flags.Count; i++)
        {
            if (!KernelNames.MemoryPolicyFlags.Contains(policy.Flags[i]))
            {
                verdict.Error($"linux.memoryPolicy.flags[{i}]", $"invalid memory policy flag {Quoted.Text(policy.Flags[i])}");
            }
        }
    }

    private static void CheckPersonality(LinuxPersonality? personality, SpecVerdict verdict)
    {
        if (personality is null)
        {
            return;
        }
        if (personality.Domain is not ("LINUX" or "LINUX32"))
        {
            verdict.Error("linux.personality.domain", $"invalid personality domain {Quoted.Text(personality.Domain)}");
        }
    }
}
