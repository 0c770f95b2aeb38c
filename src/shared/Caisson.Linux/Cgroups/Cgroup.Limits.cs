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
                throw new CgroupException($"resources.unified names {file}, but this host limits by cgroup v1; boot with cgroup v2 only, or leave it out");
            }
        }

        LegacyLimits.Apply(this, limits);
    }

    /// <summary>The v1 directory of a controller that a limit needs.</summary>
    internal string Require(string controller, string limit) => TryGetDirectory(controller, out string? directory)
        ? directory
        : throw new CgroupException($"{limit} needs the cgroup controller \"{controller}\", which is not mounted on this host");
}
