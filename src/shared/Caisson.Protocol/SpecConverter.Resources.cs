using Caisson.Oci;
using Google.Protobuf.Collections;

namespace Caisson.Protocol;

public static partial class SpecConverter
{
    // The model's absent number, which means every device; the protobuf field has no absence, and 0 is a device's number.
    private const long EveryDevice = -1;

    /// <summary>The protobuf form of limits.</summary>
    public static Wire.Resources ToWire(LinuxResources resources)
    {
        var wire = new Wire.Resources
        {
            Memory = resources.Memory is null ? null : ToWire(resources.Memory),
            Cpu = resources.Cpu is null ? null : ToWire(resources.Cpu),
            Pids = resources.Pids is null ? null : new Wire.Pids { Limit = resources.Pids.Limit ?? 0 },
            BlockIo = resources.BlockIO is null ? null : ToWire(resources.BlockIO),
            Network = resources.Network is null ? null : ToWire(resources.Network),
        };
        foreach (LinuxDeviceCgroup rule in resources.Devices)
        {
            wire.Devices.Add(new Wire.DeviceRule
            {
                Allow = rule.Allow,
                Type = rule.Type ?? "",
                Major = rule.Major ?? EveryDevice,
                Minor = rule.Minor ?? EveryDevice,
                Access = rule.Access ?? "",
            });
        }

        foreach (LinuxHugepageLimit limit in resources.HugepageLimits)
        {
            wire.HugepageLimits.Add(new Wire.HugepageLimit { PageSize = limit.PageSize, Limit = limit.Limit });
        }

        return wire;
    }

    /// <summary>The limits of their protobuf form.</summary>
    public static LinuxResources FromWire(Wire.Resources wire) => new()
    {
        Devices = List(wire.Devices, rule => new LinuxDeviceCgroup
        {
            Allow = rule.Allow,
            Type = Given(rule.Type),
            Major = rule.Major == EveryDevice ? null : rule.Major,
            Minor = rule.Minor == EveryDevice ? null : rule.Minor,
            Access = Given(rule.Access),
        }),
        Memory = wire.Memory is null ? null : FromWire(wire.Memory),
        Cpu = wire.Cpu is null ? null : FromWire(wire.Cpu),
        Pids = wire.Pids is null ? null : new LinuxPids { Limit = Given(wire.Pids.Limit) },
        BlockIO = wire.BlockIo is null ? null : FromWire(wire.BlockIo),
        HugepageLimits = List(wire.HugepageLimits, limit => new LinuxHugepageLimit { PageSize = limit.PageSize, Limit = limit.Limit }),
        Network = wire.Network is null ? null : FromWire(wire.Network),
    };

    private static Wire.Memory ToWire(LinuxMemory memory) => new()
    {
        Limit = memory.Limit ?? 0,
        Reservation = memory.Reservation ?? 0,
        Swap = memory.Swap ?? 0,
        Kernel = memory.Kernel ?? 0,
        KernelTcp = memory.KernelTcp ?? 0,
        Swappiness = memory.Swappiness ?? 0,
        DisableOomKiller = memory.DisableOomKiller ?? false,
    };

    private static LinuxMemory FromWire(Wire.Memory wire) => new()
    {
        Limit = Given(wire.Limit),
        Reservation = Given(wire.Reservation),
        Swap = Given(wire.Swap),
        Kernel = Given(wire.Kernel),
        KernelTcp = Given(wire.KernelTcp),
        Swappiness = Given(wire.Swappiness),
        DisableOomKiller = wire.DisableOomKiller ? true : null,
    };

    private static Wire.Cpu ToWire(LinuxCpu cpu) => new()
    {
        Shares = cpu.Shares ?? 0,
        Quota = cpu.Quota ?? 0,
        Period = cpu.Period ?? 0,
        RealtimeRuntime = cpu.RealtimeRuntime ?? 0,
        RealtimePeriod = cpu.RealtimePeriod ?? 0,
        Cpus = cpu.Cpus ?? "",
        Mems = cpu.Mems ?? "",
    };

    private static LinuxCpu FromWire(Wire.Cpu wire) => new()
    {
        Shares = Given(wire.Shares),
        Quota = Given(wire.Quota),
        Period = Given(wire.Period),
        RealtimeRuntime = Given(wire.RealtimeRuntime),
        RealtimePeriod = Given(wire.RealtimePeriod),
        Cpus = Given(wire.Cpus),
        Mems = Given(wire.Mems),
    };

    private static Wire.BlockIO ToWire(LinuxBlockIO block)
    {
        var wire = new Wire.BlockIO { Weight = block.Weight ?? 0u, LeafWeight = block.LeafWeight ?? 0u };
        foreach (LinuxWeightDevice device in block.WeightDevice)
        {
            wire.WeightDevice.Add(new Wire.WeightDevice
            {
                Major = device.Major,
                Minor = device.Minor,
                Weight = device.Weight ?? 0u,
                LeafWeight = device.LeafWeight ?? 0u,
            });
        }

        Add(wire.ThrottleReadBpsDevice, block.ThrottleReadBpsDevice);
        Add(wire.ThrottleWriteBpsDevice, block.ThrottleWriteBpsDevice);
        Add(wire.ThrottleReadIopsDevice, block.ThrottleReadIopsDevice);
        Add(wire.ThrottleWriteIopsDevice, block.ThrottleWriteIopsDevice);
        return wire;
    }

    private static LinuxBlockIO FromWire(Wire.BlockIO wire) => new()
    {
        Weight = Weight(wire.Weight),
        LeafWeight = Weight(wire.LeafWeight),
        WeightDevice = List(wire.WeightDevice, device => new LinuxWeightDevice
        {
            Major = device.Major,
            Minor = device.Minor,
            Weight = Weight(device.Weight),
            LeafWeight = Weight(device.LeafWeight),
        }),
        ThrottleReadBpsDevice = List(wire.ThrottleReadBpsDevice, FromWire),
        ThrottleWriteBpsDevice = List(wire.ThrottleWriteBpsDevice, FromWire),
        ThrottleReadIopsDevice = List(wire.ThrottleReadIopsDevice, FromWire),
        ThrottleWriteIopsDevice = List(wire.ThrottleWriteIopsDevice, FromWire),
    };

    private static void Add(RepeatedField<Wire.ThrottleDevice> target, SpecList<LinuxThrottleDevice> devices)
    {
        foreach (LinuxThrottleDevice device in devices)
        {
            target.Add(new Wire.ThrottleDevice { Major = device.Major, Minor = device.Minor, Rate = device.Rate });
        }
    }

    private static LinuxThrottleDevice FromWire(Wire.ThrottleDevice wire) => new() { Major = wire.Major, Minor = wire.Minor, Rate = wire.Rate };

    private static Wire.Network ToWire(LinuxNetwork network)
    {
        var wire = new Wire.Network { ClassId = network.ClassId ?? 0 };
        foreach (LinuxInterfacePriority item in network.Priorities)
        {
            wire.Priorities.Add(new Wire.InterfacePriority { Name = item.Name, Priority = item.Priority });
        }

        return wire;
    }

    private static LinuxNetwork FromWire(Wire.Network wire) => new()
    {
        ClassId = Given(wire.ClassId),
        Priorities = List(wire.Priorities, item => new LinuxInterfacePriority { Name = item.Name, Priority = item.Priority }),
    };
}
