using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>What happens to a container that exists.</summary>
public sealed partial class NamespacesBackend
{
    public LiveContainer Look(ContainerRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.BootId != BootId.Read() || !record.Init.IsAlive)
        {
            return new LiveContainer(ContainerStatus.Stopped, 0);
        }

        if (OpenCgroup(record) is { IsFrozen: true })
        {
            return new LiveContainer(ContainerStatus.Paused, record.Init.Pid);
        }

        // The fifo is what init waits on; start removes it.
        bool waits = record.WaitsOnFifo && File.Exists(FifoOf(record));
        return new LiveContainer(waits ? ContainerStatus.Created : ContainerStatus.Running, record.Init.Pid);
    }

    public void Kill(ContainerRecord record, int signal, bool all)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (all)
        {
            // Also of a stopped container: without a pid namespace of its own, its other processes live on.
            RequireCgroup(record, "its processes cannot be found: leave out --all").KillAll((Signal)signal);
            return;
        }

        using PidFd init = OpenInit(record) ?? throw new SandboxException("container not running");
        if (!init.TrySendSignal(signal, out Errno why))
        {
            throw why == Errno.ESRCH ? new SandboxException("container not running") : new SandboxException($"unable to signal init: {Failure.Words(why)}");
        }

        // A frozen process does not die (cgroup v1); whoever kills wants it dead.
        if (signal == (int)Signal.SIGKILL && OpenCgroup(record) is { IsFrozen: true } cgroup)
        {
            cgroup.Thaw();
        }
    }

    public void Delete(ContainerRecord record, OciSpec? spec)
    {
        ArgumentNullException.ThrowIfNull(record);
        using (PidFd? init = OpenInit(record))
        {
            if (init is not null)
            {
                init.TrySendSignal((int)Signal.SIGKILL, out _);
            }

            Cgroup? cgroup = OpenCgroup(record);
            bool spares = record.SharesCgroup && OwnsItsPids(spec);
            if (!spares)
            {
                cgroup?.KillAll(Signal.SIGKILL);
            }

            if (init is not null && Poller.Wait(init, PollEvents.In, s_killPatience) == PollEvents.None)
            {
                throw new SandboxException($"container {record.Id}: its init (pid {record.Init.Pid}) has not ended {s_killPatience.TotalSeconds:0} s after SIGKILL");
            }

            if (record.SharesCgroup)
            {
                cgroup?.RemoveWhereEmpty();
            }
            else
            {
                cgroup?.Remove();
            }
        }

        if (record.SystemdUnit is { } unit)
        {
            SystemdPlacement.Stop(unit);
        }

        if (spec?.Hooks is { Poststop.Count: > 0 } hooks)
        {
            HookRunner.RunAll("poststop", hooks.Poststop, State(record.Id, record.Bundle, spec, ContainerStatus.Stopped, 0), _warn);
        }
    }

    // The end of init is then the end of all its processes: nothing need be looked for in a cgroup that others are in.
    private static bool OwnsItsPids(OciSpec? spec)
    {
        foreach (LinuxNamespace given in spec?.Linux?.Namespaces ?? [])
        {
            if (given.Type == "pid")
            {
                return string.IsNullOrEmpty(given.Path);
            }
        }

        return false;
    }

    public IReadOnlyList<int> HostPids(ContainerRecord record) => RequireCgroup(record, "its processes cannot be listed").Pids();

    public IReadOnlyList<string> ProcessTable(ContainerRecord record, IReadOnlyList<string> options) =>
        HostProcessTable.Show(HostPids(record), options);

    public NetworkListing ListNetwork(ContainerRecord record)
    {
        if (Look(record).Status == ContainerStatus.Stopped)
        {
            throw new SandboxException("container not running");
        }

        using NamespaceFd network = NamespaceFd.OfProcess(record.Init.Pid, NamespaceKinds.Network);
        return NetworkListing.Of(network);
    }

    public void RequireNetwork(ContainerRecord record)
    {
    }

    public void AwaitInterface(ContainerRecord record, string name, bool isThere)
    {
        // It lives in the namespace itself.
    }

    public void Pause(ContainerRecord record) => RequireCgroup(record).Freeze();

    public void Unpause(ContainerRecord record) => RequireCgroup(record).Thaw();

    public void Update(ContainerRecord record, LinuxResources resources)
    {
        Refusals.Require(Isolation.Namespaces, resources);
        Cgroup cgroup = RequireCgroup(record);
        if (record.SystemdUnit is { } unit)
        {
            SystemdPlacement.Update(unit, resources, cgroup.IsUnified);
        }

        cgroup.Apply(CgroupConversion.Limits(resources));
    }

    public ContainerUsage Measure(ContainerRecord record) => new(RequireCgroup(record).Stats());

    public IContainerWatch Watch(ContainerRecord record)
    {
        PidFd init = OpenInit(record) ?? throw new SandboxException($"container with id {record.Id} is not running");
        return new NamespacesWatch(init, RequireCgroup(record).WatchOom());
    }

    private static Cgroup? OpenCgroup(ContainerRecord record) =>
        record.Cgroup is null ? null : RecordedCgroup.Open(record.Cgroup);

    private static Cgroup RequireCgroup(ContainerRecord record, string without = "it can neither be measured, limited nor paused") =>
        OpenCgroup(record) ?? throw new SandboxException($"container {record.Id} has no cgroup of its own (this user may make none): {without}");

    // Each --cgroup names a place below the container's own: for the controllers before the colon, or for all.
    private static Cgroup? ExecCgroup(ContainerRecord record, ExecOrder order)
    {
        Cgroup? own = OpenCgroup(record);
        if (own is null || order.Cgroups.Count == 0)
        {
            return own;
        }

        var paths = new Dictionary<string, string>(own.Paths, StringComparer.Ordinal);
        foreach (string asked in order.Cgroups)
        {
            int colon = asked.IndexOf(':');
            string below = colon < 0 ? asked : asked[(colon + 1)..];
            string[] controllers = colon < 0 ? [.. own.Paths.Keys] : asked[..colon].Split(',');
            foreach (string controller in controllers)
            {
                if (!own.Paths.TryGetValue(controller, out string? top))
                {
                    throw new SandboxException($"--cgroup {asked}: unknown controller {controller}");
                }

                string directory = Path.GetFullPath(Path.Combine(top, below.TrimStart('/')));
                if (directory != top && !directory.StartsWith(top + "/", StringComparison.Ordinal))
                {
                    throw new SandboxException($"--cgroup {asked}: {below} is not a sub cgroup path");
                }

                if (!Directory.Exists(directory))
                {
                    throw new SandboxException($"--cgroup {asked}: adding pid to cgroups failed: open {directory}/cgroup.procs: no such file or directory");
                }

                paths[controller] = directory;
            }
        }

        return Cgroup.OfPaths(paths);
    }
}
