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
            Mounts = [.. Mounts(spec, linux)],
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
                MountLabel = null,
            },
        };
    }

    // But for cgroups: the guest's, not the host's, limits hold inside. Without a user namespace here, mounts whose ids are mapped by the
    // container's are told them. Memory is the guest's: what an engine copied into the host's counterpart of a tmpfs would never arrive,
    // so that is empty and read-only, and the engine's user is told.
    private static IEnumerable<OciMount> Mounts(OciSpec spec, OciLinux linux)
    {
        foreach (OciMount mount in spec.Mounts)
        {
            if (mount.Type is "cgroup" or "cgroup2")
            {
                continue;
            }

            bool takesContainers = mount.UidMappings.Count + mount.GidMappings.Count == 0 && (mount.Options.Contains("idmap") || mount.Options.Contains("ridmap"));
            yield return IsMemory(mount) ? Placeholder(mount.Destination)
                : takesContainers ? mount with { UidMappings = linux.UidMappings, GidMappings = linux.GidMappings }
                : mount;
        }
    }

    private static bool IsMemory(OciMount mount) => mount is { Type: "tmpfs", Destination: not "/dev" } or { Destination: "/dev/shm" };

    private static OciMount Placeholder(string destination) =>
        new() { Destination = destination, Type = "tmpfs", Source = "tmpfs", Options = ["ro", "nosuid", "nodev", "noexec", "size=4k"] };

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
