using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What of a container's configuration holds for its keeper on the host: the same root file system, mounts, network namespace and hooks,
/// so that engines find under the keeper's pid what they expect; but no privilege, and none of the workload's process settings.
/// </summary>
internal static class KeeperSpec
{
    internal static OciSpec From(OciSpec spec)
    {
        OciLinux linux = spec.Linux ?? new OciLinux();
        return spec with
        {
            Process = ForKeeper(spec.Process!),
            Mounts = [.. spec.Mounts.Where(static mount => mount.Type != "cgroup")],     // the guest's, not the host's, limits hold inside
            Hooks = spec.Hooks is { } hooks ? hooks with { StartContainer = [], Poststart = [], Poststop = [] } : null,
            Linux = linux with
            {
                Namespaces = [.. Namespaces(linux)],
                UidMappings = [],
                GidMappings = [],
                Resources = null,
                Seccomp = null,
                Sysctl = SpecMap.Empty<string>(),
                Personality = null,
                MemoryPolicy = null,
                TimeOffsets = SpecMap.Empty<LinuxTimeOffset>(),
                IntelRdt = null,
            },
        };
    }

    /// <summary>The keeper of a process: root without any capability, in the container's root directory.</summary>
    internal static OciProcess ForKeeper(OciProcess process) => new()
    {
        Terminal = process.Terminal,
        ConsoleSize = process.ConsoleSize,
        Args = process.Args,
        Cwd = "/",
        Capabilities = new OciCapabilities(),
        NoNewPrivileges = true,
    };

    // Always mount; pid unless the configuration shares the host's; network as configured. The rest belongs to the guest.
    private static IEnumerable<LinuxNamespace> Namespaces(OciLinux linux)
    {
        yield return new LinuxNamespace { Type = "mount" };
        yield return new LinuxNamespace { Type = "ipc" };
        yield return new LinuxNamespace { Type = "uts" };
        foreach (LinuxNamespace ns in linux.Namespaces)
        {
            if (ns.Type is "pid" or "network")
            {
                yield return ns;
            }
        }
    }
}
