using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Device rules as systemd knows them, for cgroup v1, where it writes its own over ours whenever it reloads: without any it would allow
/// everything. It has no rules that deny, so an allowance that a later denial touches is left out: until we write ours again, the
/// container has less and never more. In v2 both are programs of the cgroup, and what one denies stays denied.
/// </summary>
internal static class UnitDevices
{
    internal static List<UnitProperty> Of(LinuxResources? resources)
    {
        List<DeviceRule> allowed = Allowed(CgroupConversion.ForCreate(resources).Devices!);
        Dictionary<(char, long), string> groups = DeviceGroups();
        var entries = new List<(string Device, string Access)>();
        foreach (DeviceRule rule in allowed)
        {
            foreach (char type in rule.Kind == 'a' ? "bc" : $"{rule.Kind}")
            {
                if (NameOf(type, rule, groups) is { } device)
                {
                    entries.Add((device, AccessOf(rule.Access)));
                }
            }
        }

        return
        [
            UnitProperty.Text("DevicePolicy", "strict"),
            new UnitProperty("DeviceAllow", "a(ss)", writer => writer.Array(8, elements =>
            {
                foreach ((string device, string access) in entries)
                {
                    elements.Structure().String(device).String(access);
                }
            })),
        ];
    }

    private static List<DeviceRule> Allowed(IReadOnlyList<DeviceRule> rules)
    {
        var allowed = new List<DeviceRule>();
        foreach (DeviceRule rule in rules)
        {
            if (rule.Allow)
            {
                allowed.Add(rule);
            }
            else
            {
                allowed.RemoveAll(earlier => Overlap(earlier, rule));
            }
        }

        return allowed;
    }

    private static bool Overlap(DeviceRule one, DeviceRule other) =>
        (one.Kind == 'a' || other.Kind == 'a' || one.Kind == other.Kind)
        && (one.Major is null || other.Major is null || one.Major == other.Major)
        && (one.Minor is null || other.Minor is null || one.Minor == other.Minor)
        && (one.Access & other.Access) != 0;

    // systemd.resource-control(5): a path below /dev/char or /dev/block, or the name of a group of /proc/devices.
    private static string? NameOf(char type, DeviceRule rule, Dictionary<(char, long), string> groups)
    {
        string kind = type == 'b' ? "block" : "char";
        return rule.Major is not { } major ? $"{kind}-*"
            : rule.Minor is { } minor ? $"/dev/{kind}/{major}:{minor}"
            : groups.TryGetValue((type, major), out string? group) ? $"{kind}-{group}"
            : null;
    }

    private static string AccessOf(DeviceAccess access) => string.Concat(
        access.HasFlag(DeviceAccess.Read) ? "r" : "", access.HasFlag(DeviceAccess.Write) ? "w" : "", access.HasFlag(DeviceAccess.MakeNode) ? "m" : "");

    private static Dictionary<(char, long), string> DeviceGroups()
    {
        var groups = new Dictionary<(char, long), string>();
        char type = 'c';
        foreach (string line in SmallFile.ReadText("/proc/devices").Split('\n'))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            type = line.StartsWith("Block", StringComparison.Ordinal) ? 'b' : type;
            if (fields.Length == 2 && long.TryParse(fields[0], out long major))
            {
                groups.TryAdd((type, major), fields[1]);
            }
        }

        return groups;
    }
}
