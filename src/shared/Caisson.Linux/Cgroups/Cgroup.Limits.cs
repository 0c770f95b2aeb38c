namespace Caisson.Linux;

public sealed partial class Cgroup
{
    /// <summary>Sets limits, for a new container and for an update alike: what is null is not touched.</summary>
    /// <param name="limits">The limits.</param>
    /// <exception cref="CgroupException">A controller is missing, or the kernel refused a value.</exception>
    public void Apply(CgroupLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (IsUnified)
        {
            UnifiedLimits.Apply(_paths[UnifiedKey], limits);
            return;
        }

        if (limits.Unified is { Count: > 0 } unified)
        {
            foreach (string file in unified.Keys)
            {
                throw new CgroupException($"invalid configuration: resources.unified names {file}, but this host limits by cgroup v1; boot with cgroup v2 only, or leave it out");
            }
        }

        LegacyLimits.Apply(this, limits);
    }

    /// <summary>The CPU bandwidth that holds: microseconds (negative without limit) in each period. Null where the controller is missing.</summary>
    public (long Quota, ulong Period)? ReadCpuBandwidth()
    {
        if (!TryGetDirectory("cpu", out string? directory))
        {
            return null;
        }

        return IsUnified
            ? CgroupFile.TryRead(directory, "cpu.max", out string text, out _) ? UnifiedLimits.ParseBandwidth(text) : null
            : CgroupFile.ReadNumber(directory, "cpu.cfs_quota_us") is { } quota && CgroupFile.ReadNumber(directory, "cpu.cfs_period_us") is { } period
                ? (quota > long.MaxValue ? -1 : (long)quota, period)
                : null;
    }

    /// <summary>Whether this host limits huge pages of a size: the controller is there, and the processor has such pages.</summary>
    /// <param name="size">Such as 2MB.</param>
    public bool LimitsHugePages(string size) =>
        (!IsUnified && TryGetDirectory("hugetlb", out string? legacy) && LegacyLimits.HasFile(legacy, $"hugetlb.{size}.limit_in_bytes"))
        || (UnifiedDirectory is { } unified && LegacyLimits.HasFile(unified, $"hugetlb.{size}.max"));

    /// <summary>The weight in cgroup v2 that corresponds to v1's shares.</summary>
    /// <param name="shares">2 to 262144.</param>
    public static ulong WeightOfShares(ulong shares) => UnifiedLimits.WeightOf(shares);

    /// <summary>The v1 directory of a controller that a limit needs.</summary>
    internal string Require(string controller, string limit) => TryGetDirectory(controller, out string? directory)
        ? directory
        : throw new CgroupException($"{limit} needs the cgroup controller \"{controller}\", which is not mounted on this host");
}
