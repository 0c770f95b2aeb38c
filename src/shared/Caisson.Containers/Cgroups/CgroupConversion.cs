using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>From <c>linux.resources</c> to what Caisson.Linux writes into cgroups.</summary>
public static class CgroupConversion
{
    // What every container may use, whatever its rules say: the default devices and its own terminals, and making nodes, which is no use
    // without a right to open them. runc appends the same.
    private static readonly DeviceRule[] s_defaultDevices =
    [
        new(true, 'c', null, null, DeviceAccess.MakeNode),
        new(true, 'b', null, null, DeviceAccess.MakeNode),
        new(true, 'c', 1, 3, DeviceAccess.All),
        new(true, 'c', 1, 5, DeviceAccess.All),
        new(true, 'c', 1, 7, DeviceAccess.All),
        new(true, 'c', 1, 8, DeviceAccess.All),
        new(true, 'c', 1, 9, DeviceAccess.All),
        new(true, 'c', 5, 0, DeviceAccess.All),
        new(true, 'c', 5, 2, DeviceAccess.All),
        new(true, 'c', 136, null, DeviceAccess.All),
    ];

    /// <summary>The limits of a new container: device rules always, with the defaults last.</summary>
    /// <param name="resources">The specification's form; null where there is none.</param>
    public static CgroupLimits ForCreate(LinuxResources? resources) =>
        Limits(resources ?? new LinuxResources()) with { Devices = Devices(resources?.Devices ?? []) };

    /// <summary>The limits of an update: what is absent stays as it is, device rules among it.</summary>
    /// <param name="resources">The specification's form.</param>
    public static CgroupLimits Limits(LinuxResources resources)
    {
        ArgumentNullException.ThrowIfNull(resources);
        return new CgroupLimits
        {
            Cpu = resources.Cpu is { } cpu ? Cpu(cpu) : null,
            Memory = resources.Memory is { } memory ? Memory(memory) : null,
            Pids = resources.Pids?.Limit,
            Block = resources.BlockIO is { } block ? Block(block) : null,
            HugePages = HugePages(resources.HugepageLimits),
            NetworkClass = resources.Network?.ClassId,
            NetworkPriorities = Priorities(resources.Network),
            Rdma = Rdma(resources.Rdma),
            Devices = resources.Devices.Count > 0 ? Devices(resources.Devices) : null,
            Unified = resources.Unified.Count > 0 ? resources.Unified : null,
        };
    }

    // Engines write 0 for what nobody asked for (Docker in every update), and runc passes it over. A limit of zero would be of no use.
    private static long? Given(long? value) => value == 0 ? null : value;

    private static ulong? Given(ulong? value) => value == 0 ? null : value;

    private static CgroupCpuLimits Cpu(LinuxCpu cpu) => new()
    {
        Shares = Given(cpu.Shares),
        Quota = Given(cpu.Quota),
        Period = Given(cpu.Period),
        Burst = cpu.Burst,
        RealtimeRuntime = Given(cpu.RealtimeRuntime),
        RealtimePeriod = Given(cpu.RealtimePeriod),
        Idle = cpu.Idle,
        Cpus = cpu.Cpus,
        Mems = cpu.Mems,
    };

    private static CgroupMemoryLimits Memory(LinuxMemory memory) => new()
    {
        Limit = Given(memory.Limit),
        Reservation = Given(memory.Reservation),
        Swap = Given(memory.Swap),
        Kernel = Given(memory.Kernel),
        KernelTcp = Given(memory.KernelTcp),
        Swappiness = memory.Swappiness == ulong.MaxValue ? null : memory.Swappiness,    // Docker's -1: as it is
        DisableOomKiller = memory.DisableOomKiller,
        UseHierarchy = memory.UseHierarchy,
        CheckBeforeUpdate = memory.CheckBeforeUpdate ?? false,
    };

    private static CgroupBlockLimits Block(LinuxBlockIO block)
    {
        var weights = new List<BlockDeviceWeight>();
        foreach (LinuxWeightDevice device in block.WeightDevice)
        {
            weights.Add(new BlockDeviceWeight(device.Major, device.Minor, device.Weight, device.LeafWeight));
        }

        var throttles = new List<BlockDeviceThrottle>();
        Add(BlockThrottleKind.ReadBytes, block.ThrottleReadBpsDevice);
        Add(BlockThrottleKind.WriteBytes, block.ThrottleWriteBpsDevice);
        Add(BlockThrottleKind.ReadOperations, block.ThrottleReadIopsDevice);
        Add(BlockThrottleKind.WriteOperations, block.ThrottleWriteIopsDevice);
        return new CgroupBlockLimits
        {
            Weight = block.Weight is > 0 ? block.Weight : null,
            LeafWeight = block.LeafWeight is > 0 ? block.LeafWeight : null,
            DeviceWeights = weights,
            Throttles = throttles,
        };

        void Add(BlockThrottleKind kind, SpecList<LinuxThrottleDevice> devices)
        {
            foreach (LinuxThrottleDevice device in devices)
            {
                throttles.Add(new BlockDeviceThrottle(kind, device.Major, device.Minor, device.Rate));
            }
        }
    }

    private static Dictionary<string, ulong>? HugePages(SpecList<LinuxHugepageLimit> limits)
    {
        if (limits.Count == 0)
        {
            return null;
        }

        var pages = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (LinuxHugepageLimit limit in limits)
        {
            pages[limit.PageSize] = limit.Limit;
        }

        return pages;
    }

    private static Dictionary<string, uint>? Priorities(LinuxNetwork? network)
    {
        if (network is null || network.Priorities.Count == 0)
        {
            return null;
        }

        var priorities = new Dictionary<string, uint>(StringComparer.Ordinal);
        foreach (LinuxInterfacePriority priority in network.Priorities)
        {
            priorities[priority.Name] = priority.Priority;
        }

        return priorities;
    }

    private static Dictionary<string, CgroupRdmaLimit>? Rdma(SpecMap<LinuxRdma> limits)
    {
        if (limits.Count == 0)
        {
            return null;
        }

        var rdma = new Dictionary<string, CgroupRdmaLimit>(StringComparer.Ordinal);
        foreach ((string device, LinuxRdma limit) in limits)
        {
            rdma[device] = new CgroupRdmaLimit(limit.HcaHandles, limit.HcaObjects);
        }

        return rdma;
    }

    private static List<DeviceRule> Devices(SpecList<LinuxDeviceCgroup> rules)
    {
        var devices = new List<DeviceRule>(rules.Count + s_defaultDevices.Length);
        foreach (LinuxDeviceCgroup rule in rules)
        {
            devices.Add(DeviceRule.Parse(rule.Allow, rule.Type, rule.Major, rule.Minor, rule.Access));
        }

        devices.AddRange(s_defaultDevices);
        return devices;
    }
}
