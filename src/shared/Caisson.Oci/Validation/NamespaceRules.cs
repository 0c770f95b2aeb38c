namespace Caisson.Oci;

/// <summary>Rules for namespaces, and for fields that only make sense within one (config-linux.md, "Namespaces").</summary>
internal static class NamespaceRules
{
    // kernel/user_namespace.c: UID_GID_MAP_MAX_EXTENTS
    private const int MaxMappings = 340;

    private const uint NanosecondsPerSecond = 1_000_000_000;

    internal static void Check(OciSpec spec, OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        CheckList(linux.Namespaces, verdict);
        if (!Has(linux, "uts"))
        {
            if (spec.Hostname is not null)
            {
                verdict.Error("hostname", "unable to set hostname without a private UTS namespace");
            }
            if (spec.Domainname is not null)
            {
                verdict.Error("domainname", "unable to set domainname without a private UTS namespace");
            }
        }
        if (!Has(linux, "mount") && (linux.MaskedPaths.Count > 0 || linux.ReadonlyPaths.Count > 0))
        {
            string path = linux.MaskedPaths.Count > 0 ? "linux.maskedPaths" : "linux.readonlyPaths";
            verdict.Error(path, "unable to restrict sys entries without a private MNT namespace");
        }
        CheckUser(linux, validation, verdict);
        CheckTime(linux, verdict);
        CheckNetDevices(linux, validation, verdict);
    }

    internal static bool Has(OciLinux linux, string type) => Find(linux, type) is not null;

    internal static LinuxNamespace? Find(OciLinux linux, string type)
    {
        foreach (LinuxNamespace space in linux.Namespaces)
        {
            if (space.Type == type)
            {
                return space;
            }
        }
        return null;
    }

    private static void CheckList(SpecList<LinuxNamespace> namespaces, SpecVerdict verdict)
    {
        uint seen = 0;
        for (int i = 0; i < namespaces.Count; i++)
        {
            int number = KernelNames.Namespaces.AsSpan().IndexOf(namespaces[i].Type);
            if (number < 0)
            {
                verdict.Error($"linux.namespaces[{i}].type", $"namespace {Quoted.Text(namespaces[i].Type)} does not exist");
                continue;
            }
            if ((seen & (1u << number)) != 0)
            {
                verdict.Error($"linux.namespaces[{i}].type", $"malformed spec file: duplicated ns {Quoted.Text(namespaces[i].Type)}");
            }
            if (namespaces[i].Path is { } path && !path.StartsWith('/'))
            {
                verdict.Error($"linux.namespaces[{i}].path", "must be an absolute path");
            }
            seen |= 1u << number;
        }
    }

    private static void CheckUser(OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        bool hasMappings = linux.UidMappings.Count > 0 || linux.GidMappings.Count > 0;
        string mappings = linux.UidMappings.Count > 0 ? "linux.uidMappings" : "linux.gidMappings";
        CheckMappings(linux.UidMappings, "linux.uidMappings", verdict);
        CheckMappings(linux.GidMappings, "linux.gidMappings", verdict);
        if (Find(linux, "user") is not { } user)
        {
            if (hasMappings)
            {
                verdict.Error(mappings, "user namespace mappings specified, but user namespace isn't enabled in the config");
            }
            if (validation.Rootless)
            {
                verdict.Error("linux.namespaces", "rootless container requires user namespaces");
            }
            return;
        }
        if (user.Path is not null && hasMappings)
        {
            verdict.Warn(mappings, "ignored, because the user namespace is joined by its path and has its mappings");
        }
        if (user.Path is null && !hasMappings)
        {
            verdict.Error("linux.uidMappings", "user namespaces enabled, but no namespace path to join nor mappings to apply specified");
        }
        if (user.Path is null && validation.Rootless && (linux.UidMappings.Count == 0 || linux.GidMappings.Count == 0))
        {
            string kind = linux.UidMappings.Count == 0 ? "UID" : "GID";
            verdict.Error($"linux.{kind.ToLowerInvariant()}Mappings", $"rootless containers requires at least one {kind} mapping");
        }
    }

    /// <summary>What the kernel would refuse with a bare EINVAL: empty, wrapping or overlapping ranges, or too many.</summary>
    internal static void CheckMappings(SpecList<LinuxIdMapping> mappings, string at, SpecVerdict verdict)
    {
        if (mappings.Count > MaxMappings)
        {
            verdict.Error(at, $"the kernel takes at most {MaxMappings} ranges");
            return;
        }
        for (int i = 0; i < mappings.Count; i++)
        {
            LinuxIdMapping map = mappings[i];
            if (map.Size == 0)
            {
                verdict.Error($"{at}[{i}].size", "must be greater than zero");
            }
            else if (map.Size - 1 > uint.MaxValue - map.ContainerId || map.Size - 1 > uint.MaxValue - map.HostId)
            {
                verdict.Error($"{at}[{i}].size", "the range goes beyond the last id");
            }
            for (int j = 0; j < i; j++)
            {
                if (Overlap(map.ContainerId, map.Size, mappings[j].ContainerId, mappings[j].Size)
                    || Overlap(map.HostId, map.Size, mappings[j].HostId, mappings[j].Size))
                {
                    verdict.Error($"{at}[{i}]", $"overlaps the range at [{j}]");
                    break;
                }
            }
        }
    }

    private static bool Overlap(uint a, uint sizeA, uint b, uint sizeB) => a <= b ? b - a < sizeA : a - b < sizeB;

    private static void CheckTime(OciLinux linux, SpecVerdict verdict)
    {
        if (linux.TimeOffsets.Count == 0)
        {
            return;
        }
        if (Find(linux, "time") is not { } time)
        {
            verdict.Error("linux.timeOffsets", "time namespace offsets specified, but time namespace isn't enabled in the config");
        }
        else if (time.Path is not null)
        {
            verdict.Error("linux.timeOffsets", "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one");
        }
        foreach (KeyValuePair<string, LinuxTimeOffset> offset in linux.TimeOffsets)
        {
            string at = JsonPath.Join("linux.timeOffsets", offset.Key);
            if (offset.Key is not ("monotonic" or "boottime"))
            {
                verdict.Error(at, "only the clocks monotonic and boottime have offsets");
            }
            if (offset.Value.Nanosecs >= NanosecondsPerSecond)
            {
                verdict.Error(at + ".nanosecs", "must be less than a second");
            }
        }
    }

    private static void CheckNetDevices(OciLinux linux, SpecValidation validation, SpecVerdict verdict)
    {
        if (linux.NetDevices.Count == 0)
        {
            return;
        }
        if (!Has(linux, "network"))
        {
            verdict.Error("linux.netDevices", "unable to move network devices without a NET namespace");
        }
        if (validation.Rootless)
        {
            verdict.Error("linux.netDevices", "network devices are not supported for rootless containers");
        }
        foreach (KeyValuePair<string, LinuxNetDevice> device in linux.NetDevices)
        {
            if (!IsInterfaceName(device.Key) || (device.Value.Name is { } name && !IsInterfaceName(name)))
            {
                verdict.Error(JsonPath.Join("linux.netDevices", device.Key), "invalid network device name");
            }
        }
    }

    // net/core/dev.c, dev_valid_name: less than IFNAMSIZ (16) bytes, not . or .., without slash, colon or space.
    internal static bool IsInterfaceName(string name) =>
        name.Length > 0
        && System.Text.Encoding.UTF8.GetByteCount(name) < 16
        && name is not ("." or "..")
        && !name.AsSpan().ContainsAny('/', ':', ' ')
        && !name.AsSpan().ContainsAnyInRange('\t', '\r');
}
