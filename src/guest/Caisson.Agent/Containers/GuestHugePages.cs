using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Agent;

/// <summary>
/// Limits on huge pages are written for the host's page sizes (kubelet writes one for each). Of a size that this guest's processor does not
/// have nothing can be used, so that the limit holds already; the others go to the guest's cgroups.
/// </summary>
internal static class GuestHugePages
{
    // One directory for each size, named in kB (Documentation/admin-guide/mm/hugetlbpage.rst).
    private const string Sizes = "/sys/kernel/mm/hugepages";

    internal static LinuxResources Possible(LinuxResources resources) => resources.HugepageLimits.Count == 0
        ? resources
        : resources with { HugepageLimits = resources.HugepageLimits.Where(static limit => IsThere(limit.PageSize)) };

    private static bool IsThere(string pageSize) =>
        TryReadKilobytes(pageSize, out long kilobytes) && FileCalls.TryStat($"{Sizes}/hugepages-{kilobytes}kB", out _, out _);

    // Digits and KB, MB or GB, as the specification's rules have checked.
    internal static bool TryReadKilobytes(string pageSize, out long kilobytes)
    {
        kilobytes = 0;
        int shift = pageSize.Length < 3 ? -1 : pageSize[^2..] switch { "KB" => 0, "MB" => 10, "GB" => 20, _ => -1 };
        if (shift < 0 || !long.TryParse(pageSize.AsSpan(0, pageSize.Length - 2), out long number) || number > long.MaxValue >> shift)
        {
            return false;
        }

        kilobytes = number << shift;
        return true;
    }
}
