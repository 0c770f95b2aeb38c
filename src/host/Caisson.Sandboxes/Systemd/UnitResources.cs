using System.Globalization;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>
/// The limits that systemd knows, as properties of a unit. They are written to the kernel by us in any case; systemd must know them
/// because it writes its own again whenever it looks at the unit.
/// </summary>
internal static class UnitResources
{
    private const ulong Unlimited = ulong.MaxValue; // systemd's CGROUP_LIMIT_MAX
    private const ulong DefaultPeriod = 100_000; // microseconds, the kernel's own
    private const ulong MicrosecondsPerSecond = 1_000_000;

    // systemd keeps whole percents of a CPU: 10 ms in each second.
    private const ulong QuotaStep = 10_000;

    internal static List<UnitProperty> Of(LinuxResources? resources, bool unified)
    {
        var properties = new List<UnitProperty>();
        if (resources is null)
        {
            return properties;
        }

        if (resources.Memory is { } memory)
        {
            AddMemory(properties, memory, unified);
        }

        if (resources.Cpu is { } cpu)
        {
            AddCpu(properties, cpu, unified);
        }

        if (resources.Pids?.Limit is { } tasks)
        {
            properties.Add(UnitProperty.Number("TasksMax", tasks > 0 ? (ulong)tasks : Unlimited));
        }

        if (!unified && resources.BlockIO?.Weight is { } weight)
        {
            properties.Add(UnitProperty.Number("BlockIOWeight", weight));
        }

        if (unified)
        {
            AddUnified(properties, resources.Unified);
        }

        return properties;
    }

    private static void AddMemory(List<UnitProperty> properties, LinuxMemory memory, bool unified)
    {
        if (memory.Limit is { } limit)
        {
            properties.Add(UnitProperty.Number(unified ? "MemoryMax" : "MemoryLimit", Bytes(limit)));
        }

        if (!unified)
        {
            return;
        }

        if (memory.Reservation is { } reservation)
        {
            properties.Add(UnitProperty.Number("MemoryLow", Bytes(reservation)));
        }

        if (memory.Swap is { } both && (both < 0 || (memory.Limit is >= 0 and { } alone && alone <= both)))
        {
            properties.Add(UnitProperty.Number("MemorySwapMax", both < 0 ? Unlimited : (ulong)(both - memory.Limit!.Value)));
        }
    }

    private static void AddCpu(List<UnitProperty> properties, LinuxCpu cpu, bool unified)
    {
        if (cpu.Shares is > 0 and { } shares && cpu.Idle is not 1)
        {
            properties.Add(unified ? UnitProperty.Number("CPUWeight", Cgroup.WeightOfShares(shares)) : UnitProperty.Number("CPUShares", shares));
        }

        if (cpu.Period is > 0 and { } period)
        {
            properties.Add(UnitProperty.Number("CPUQuotaPeriodUSec", period));
        }

        if (cpu.Quota is { } quota)
        {
            properties.Add(UnitProperty.Number("CPUQuotaPerSecUSec", quota <= 0 ? Unlimited : QuotaPerSecond((ulong)quota, cpu.Period is > 0 and { } given ? given : DefaultPeriod)));
        }

        if (unified && !string.IsNullOrEmpty(cpu.Cpus))
        {
            properties.Add(UnitProperty.Bits("AllowedCPUs", BitsOf(cpu.Cpus)));
        }

        if (unified && !string.IsNullOrEmpty(cpu.Mems))
        {
            properties.Add(UnitProperty.Bits("AllowedMemoryNodes", BitsOf(cpu.Mems)));
        }
    }

    // Rounded up: a container must not get less than it was promised.
    private static ulong QuotaPerSecond(ulong quota, ulong period)
    {
        ulong exact = (ulong)((UInt128)quota * MicrosecondsPerSecond / period);
        ulong beyond = exact % QuotaStep;
        return beyond == 0 ? exact : exact - beyond + QuotaStep;
    }

    private static void AddUnified(List<UnitProperty> properties, SpecMap<string> files)
    {
        foreach ((string file, string value) in files)
        {
            string? name = file switch
            {
                "memory.max" => "MemoryMax",
                "memory.high" => "MemoryHigh",
                "memory.low" => "MemoryLow",
                "memory.min" => "MemoryMin",
                "memory.swap.max" => "MemorySwapMax",
                "pids.max" => "TasksMax",
                "cpu.weight" => "CPUWeight",
                _ => null,
            };
            if (name is not null)
            {
                properties.RemoveAll(property => property.Name == name);
                properties.Add(UnitProperty.Number(name, value == "max" ? Unlimited : ParseNumber(file, value)));
            }
            else if (file is "cpuset.cpus" or "cpuset.mems")
            {
                properties.Add(UnitProperty.Bits(file == "cpuset.cpus" ? "AllowedCPUs" : "AllowedMemoryNodes", BitsOf(value)));
            }
        }
    }

    private static ulong ParseNumber(string file, string value) =>
        ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw new SandboxException($"linux.resources.unified: {file} \"{value}\" is not a number that systemd could be told");

    private static ulong Bytes(long value) => value < 0 ? Unlimited : (ulong)value;

    // A list such as 0-3,7 as a bit mask, lowest byte first (org.freedesktop.systemd1(5)).
    private static byte[] BitsOf(string list)
    {
        const int MaxBit = 8191; // NR_CPUS of the largest kernels
        var bits = new byte[(MaxBit / 8) + 1];
        int used = 0;
        foreach (string part in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int dash = part.IndexOf('-');
            if (!int.TryParse(dash < 0 ? part : part[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(dash < 0 ? part : part[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
                || first > last || last > MaxBit)
            {
                throw new SandboxException($"linux.resources.cpu: \"{list}\" is not a list of CPUs or memory nodes");
            }

            for (int bit = first; bit <= last; bit++)
            {
                bits[bit / 8] |= (byte)(1 << (bit % 8));
            }

            used = Math.Max(used, (last / 8) + 1);
        }

        return bits[..used];
    }
}
