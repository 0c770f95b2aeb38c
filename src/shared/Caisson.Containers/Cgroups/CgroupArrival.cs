using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>A look at the place where a container is about to move in.</summary>
public static class CgroupArrival
{
    /// <summary>Refuses a frozen cgroup, in which init would never run, and warns of one that has processes already, as runc does.</summary>
    /// <param name="cgroup">The container's cgroup, not made yet.</param>
    /// <param name="onWarning">Told of processes that are not the container's.</param>
    /// <returns>Whether the cgroup is there, wholly or in some hierarchies.</returns>
    /// <exception cref="ContainerException">It is frozen.</exception>
    public static bool Inspect(Cgroup cgroup, Action<string> onWarning)
    {
        ArgumentNullException.ThrowIfNull(cgroup);
        ArgumentNullException.ThrowIfNull(onWarning);
        if (!cgroup.Exists)
        {
            return false;
        }

        if (cgroup.IsFrozen)
        {
            cgroup.TryGetDirectory("freezer", out string? directory);
            throw new ContainerException($"container's cgroup unexpectedly frozen: thaw {directory} first", Errno.EBUSY);
        }

        int count = cgroup.CountProcesses();
        if (count > 0)
        {
            onWarning($"container's cgroup is not empty: {count} process(es) found; the container shares its limits with them");
        }

        return true;
    }
}
