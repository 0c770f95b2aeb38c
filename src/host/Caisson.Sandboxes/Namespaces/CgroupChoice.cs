using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// Where a container's cgroup is, and in which hierarchies. Root gets one in all of them. An ordinary user gets one below his own cgroup,
/// in those hierarchies where he may make one (somebody has delegated it to him), or where the configuration says; a limit that needs
/// another hierarchy is refused, as by runc. Only device rules are left out: a user cannot open what they forbid.
/// </summary>
internal sealed class CgroupChoice
{
    private CgroupChoice(CgroupLayout layout, string path, bool limitsDevices)
    {
        Layout = layout;
        Path = path;
        LimitsDevices = limitsDevices;
    }

    internal CgroupLayout Layout { get; }

    /// <summary>From the hierarchies' roots, or relative to the own cgroup.</summary>
    internal string Path { get; }

    internal bool LimitsDevices { get; }

    /// <summary>False: the container stays in its creator's cgroup.</summary>
    internal bool IsOwn => Layout.Hierarchies.Count > 0;

    /// <exception cref="SandboxException">A limit is asked for that nobody here can set.</exception>
    /// <param name="order">What is to be created.</param>
    /// <param name="unitPath">The cgroup of the unit that systemd makes, or null.</param>
    internal static CgroupChoice For(CreateOrder order, string? unitPath)
    {
        CgroupLayout layout = CgroupLayout.Discover();
        string? wanted = order.Spec.Linux?.CgroupsPath;
        string path = unitPath ?? CgroupNaming.PathFor(order.Id, wanted);
        bool isLenient = IsLenient(order);
        if (unitPath is not null || !string.IsNullOrEmpty(wanted) || !isLenient)
        {
            return new CgroupChoice(layout, path, limitsDevices: !isLenient);
        }

        var delegated = new CgroupChoice(layout.Where(IsDelegated), path.TrimStart('/'), limitsDevices: false);
        delegated.RequireControllers(order.Spec.Linux?.Resources);
        return delegated;
    }

    // --rootless, or who cannot be expected to have the right.
    private static bool IsLenient(CreateOrder order) => order.Rootless ?? (UserIds.EffectiveUser != 0 || UserIds.IsInUserNamespace);

    // A process is moved by writing into the file of the new cgroup; cgroup v2 wants the right to that of the common ancestor too.
    private static bool IsDelegated(CgroupHierarchy hierarchy)
    {
        const int MayWriteAndSearch = 3; // W_OK | X_OK
        const int MayWrite = 2; // W_OK
        return FileCalls.TryAccess(hierarchy.OwnDirectory, MayWriteAndSearch, out _)
            && (!hierarchy.IsV2 || FileCalls.TryAccess(System.IO.Path.Combine(hierarchy.OwnDirectory, "cgroup.procs"), MayWrite, out _));
    }

    private void RequireControllers(LinuxResources? resources)
    {
        if (resources is null)
        {
            return;
        }

        Require("memory", HasMemory(resources.Memory));
        Require("cpu", HasCpu(resources.Cpu));
        Require("cpuset", resources.Cpu is { Cpus.Length: > 0 } or { Mems.Length: > 0 });
        Require("pids", resources.Pids is { Limit: not (null or 0) });
        Require("blkio", resources.BlockIO is { } block && block != new LinuxBlockIO());
        Require("hugetlb", resources.HugepageLimits.Count > 0);
        Require("rdma", resources.Rdma.Count > 0);
        Require("net_cls", resources.Network is { ClassId: not (null or 0) });
        Require("net_prio", resources.Network is { Priorities.Count: > 0 });
        if (resources.Unified.Count > 0 && Layout.Unified is null)
        {
            throw Missing("unified");
        }
    }

    // What is 0 is not set, as for runc. Of v2, whose controllers are no hierarchies, the kernel refuses by the limit's own file.
    private static bool HasMemory(LinuxMemory? memory) => memory is
    { Limit: not (null or 0) } or { Reservation: not (null or 0) } or { Swap: not (null or 0) } or { KernelTcp: not (null or 0) }
        or { Swappiness: not null } or { DisableOomKiller: true };

    private static bool HasCpu(LinuxCpu? cpu) => cpu is
    { Shares: not (null or 0) } or { Quota: not (null or 0) } or { Period: not (null or 0) } or { Burst: not (null or 0) }
        or { RealtimeRuntime: not (null or 0) } or { RealtimePeriod: not (null or 0) } or { Idle: not (null or 0) };

    private void Require(string controller, bool isLimited)
    {
        if (isLimited && Layout.Mode != CgroupMode.Unified && Layout.Find(controller) is null)
        {
            throw Missing(controller);
        }

        if (isLimited && !IsOwn)
        {
            throw Missing(controller);
        }
    }

    private static SandboxException Missing(string controller) => new(
        $"cannot set {controller} limit: container could not join or create cgroup (this user has been delegated none: leave the limit out, or name a cgroup of his by linux.cgroupsPath)");
}
