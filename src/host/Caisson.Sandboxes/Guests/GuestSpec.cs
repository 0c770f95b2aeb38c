using Caisson.Containers;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// What of a container's configuration goes into the guest, and in which form (Kata's constraintGRPCSpec). What a separate kernel cannot
/// honour has been refused before, by <see cref="Refusals"/>.
/// </summary>
internal static class GuestSpec
{
    /// <summary>Rewrites the configuration for the guest.</summary>
    /// <param name="spec">The configuration as the caller gave it, already validated.</param>
    /// <param name="containerId">The container's id.</param>
    /// <param name="sharing">What it has in common with others of its sandbox; null is nothing.</param>
    internal static OciSpec From(OciSpec spec, string containerId, GuestSharing? sharing = null)
    {
        sharing ??= GuestSharing.None;
        OciLinux linux = spec.Linux ?? new OciLinux();
        return spec with
        {
            Root = spec.Root! with { Path = $"{GuestPaths.Shared}/{GuestPaths.RootfsName(containerId)}" },
            Mounts = [.. Mounts(spec, containerId, sharing.Memory)],
            Process = spec.Process is { } process ? ForGuest(process) : null,
            Hooks = spec.Hooks is { } hooks ? new OciHooks { StartContainer = hooks.StartContainer } : null,
            Linux = linux with
            {
                Namespaces = [.. Namespaces(linux, sharing)],
                CgroupsPath = $"/{containerId}",
                Resources = linux.Resources is { } resources ? GuestResources.From(resources) : null,
                MountLabel = null,
                IntelRdt = null,
            },
        };
    }

    /// <summary>A process for the guest: labels that belong to the host's security modules stay on the host.</summary>
    internal static OciProcess ForGuest(OciProcess process) => process with { ApparmorProfile = null, SelinuxLabel = null, ExecCpuAffinity = null };

    /// <summary>True for mounts whose source is a path of the host: those are handed over as detached mounts.</summary>
    internal static bool IsShared(OciMount mount) => mount.IsBind && !IsTheKernels(mount);

    // Engines without a pid or network namespace bind the host's /proc or /sys: what they mean is the kernel's, and here that is the guest's.
    private static bool IsTheKernels(OciMount mount) => mount.IsBind && mount.Destination is ("/proc" or "/sys") && mount.Source == mount.Destination;

    private static OciMount OfTheKernel(OciMount mount) => mount with
    {
        Type = mount.Destination == "/proc" ? "proc" : "sysfs",
        Source = mount.Destination == "/proc" ? "proc" : "sysfs",
        Options = mount.Options.Where(static option => option is "ro" or "nosuid" or "noexec" or "nodev"),
    };

    private static IEnumerable<OciMount> Mounts(OciSpec spec, string containerId, SandboxMemory? memory)
    {
        bool hasUsers = spec.Linux?.Namespaces.Any(static ns => ns.Type == "user") == true;
        for (int i = 0; i < spec.Mounts.Count; i++)
        {
            OciMount mount = IsTheKernels(spec.Mounts[i]) ? OfTheKernel(spec.Mounts[i]) : spec.Mounts[i];
            if (IsShared(mount))
            {
                yield return HandedSource.Remaining(mount) with { Source = $"{GuestPaths.Shared}/{GuestPaths.MountName(containerId, i, mount.Destination)}" };
            }
            else if (memory is not null && SharedMemory.IsAt(mount))
            {
                yield return mount with { Type = "bind", Source = memory.MountPoint, Options = ["rbind", "nosuid", "noexec", "nodev", mount.Options.Contains("ro") ? "ro" : "rw"] };
            }
            else if (mount.Type == "sysfs" && hasUsers)
            {
                // A user namespace that does not own the network namespace, which is the guest's, may not mount a sysfs.
                yield return mount with { Type = "bind", Source = "/sys", Options = mount.Options.Contains("ro") ? [.. mount.Options, "rro", "rbind"] : [.. mount.Options, "rbind"] };
            }
            else
            {
                yield return mount;
            }
        }
    }

    // The guest is the sandbox's network and time; a path names a namespace of the host's kernel. That of a further container, which joins
    // by path what its sandbox has, is new without one. A cgroup namespace is always made:
    // engines on hosts with cgroup v1 ask for none, and in v2, which the guest has, the .NET runtime (9.0) crashes at its start where the
    // mounted cgroup is the process's own and not called "/".
    private static IEnumerable<LinuxNamespace> Namespaces(OciLinux linux, GuestSharing sharing)
    {
        bool hasCgroup = false;
        foreach (LinuxNamespace ns in linux.Namespaces)
        {
            hasCgroup |= ns.Type is "cgroup";
            if (ns.Type is not "network" || (sharing.IsFurther && string.IsNullOrEmpty(ns.Path)))
            {
                yield return ns with { Path = sharing.PathOf(ns.Type) };
            }
        }

        if (!hasCgroup)
        {
            yield return new LinuxNamespace { Type = "cgroup" };
        }
    }
}
