using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Namespaces that a further container of a sandbox joins. Its configuration names them by paths of the host, such as
/// <c>/proc/PID/ns/ipc</c> with the pid that the engine knows of the first container: its keeper's. What the path says is never believed:
/// the file must be the same as the namespace of a living keeper of this sandbox, which then tells whose namespace in the guest is meant.
/// </summary>
internal static class PodNamespaces
{
    /// <summary>Finds out whose namespaces a configuration's paths mean.</summary>
    /// <param name="spec">The configuration of the new container.</param>
    /// <param name="sandbox">The sandbox's state.</param>
    /// <returns>The configuration without the paths that have been understood, but for the network's, and by type the container that is joined.</returns>
    /// <exception cref="SandboxException">A path means something else, or the host's network is asked for.</exception>
    internal static (OciSpec Spec, Dictionary<string, string> Joined) Resolve(OciSpec spec, SandboxSnapshot sandbox)
    {
        OciLinux linux = spec.Linux ?? new OciLinux();
        var joined = new Dictionary<string, string>();
        var namespaces = new List<LinuxNamespace>(linux.Namespaces.Count);
        bool hasNetwork = false;
        for (int i = 0; i < linux.Namespaces.Count; i++)
        {
            LinuxNamespace ns = linux.Namespaces[i];
            hasNetwork |= ns.Type == "network";
            if (!string.IsNullOrEmpty(ns.Path))
            {
                string owner = OwnerOf(ns, sandbox) ?? throw Foreign(i, ns);
                if (ns.Type != "network")
                {
                    joined[ns.Type] = owner;
                    ns = ns with { Path = null };
                }
            }

            namespaces.Add(ns);
        }

        if (!hasNetwork)
        {
            throw new SandboxException(
                $"{SpecReader.ConfigFileName}: linux.namespaces: the host's network is asked for (no network namespace), and a virtual machine cannot share it; "
                + "name the network namespace of the sandbox's first container by its path");
        }

        return (spec with { Linux = linux with { Namespaces = [.. namespaces] } }, joined);
    }

    // The network is the guest's own, so it is that of the container that the sandbox was made for and no other's.
    private static string? OwnerOf(LinuxNamespace ns, SandboxSnapshot sandbox)
    {
        bool isNetwork = ns.Type == "network";
        if ((!isNetwork && Array.IndexOf(GuestSharing.NamespaceTypes, ns.Type) < 0) || !FileCalls.TryStat(ns.Path!, out FileStatus wanted, out _))
        {
            return null;
        }

        foreach (ContainerSnapshot container in sandbox.Containers)
        {
            // Alive after the look: then the pid was the keeper's all the while.
            if ((!isNetwork || container.Id == sandbox.Owner)
                && container.Init.Keeper is { } keeper
                && FileCalls.TryStat($"/proc/{keeper.Pid}/ns/{FileOf(ns.Type)}", out FileStatus found, out _)
                && found.IsSameFile(wanted)
                && keeper.IsAlive)
            {
                return container.Id;
            }
        }

        return null;
    }

    private static string FileOf(string type) => type == "network" ? "net" : type;

    private static SandboxException Foreign(int index, LinuxNamespace ns) => new(
        $"{SpecReader.ConfigFileName}: linux.namespaces[{index}].path: {ns.Path}: isolation vm: "
        + (ns.Type == "network"
            ? "this is not the network namespace of the sandbox that the container is put into, and its machine has no other"
            : $"no running container of the sandbox has this {ns.Type} namespace, and one of the host's kernel cannot be joined from another kernel; "
                + "ipc, uts and pid namespaces of containers in the same sandbox can be joined, by the path /proc/PID/ns/TYPE of the pid that `state` tells"));
}
