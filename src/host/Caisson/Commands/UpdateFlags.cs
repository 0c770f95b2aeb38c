using System.Globalization;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The limits that <c>update</c> takes one by one, and how they become the specification's object.</summary>
internal static class UpdateFlags
{
    internal static readonly Flag[] All =
    [
        Flag.Text("resources", "FILE", "read the limits from this file, or from standard input if it is -", 'r'),
        Flag.Text("blkio-weight", "WEIGHT", "block I/O weight, 10 to 1000"),
        Flag.Text("cpu-period", "USEC", "CPU period of the quota"),
        Flag.Text("cpu-quota", "USEC", "CPU time in each period"),
        Flag.Text("cpu-share", "SHARES", "CPU weight relative to other containers"),
        Flag.Text("cpu-rt-period", "USEC", "period of the real-time runtime"),
        Flag.Text("cpu-rt-runtime", "USEC", "real-time CPU time in each period"),
        Flag.Text("cpuset-cpus", "LIST", "CPUs to run on, such as 0-3,7"),
        Flag.Text("cpuset-mems", "LIST", "memory nodes to use"),
        Flag.Text("kernel-memory", "BYTES", "accepted and ignored: the kernel has no such limit any more"),
        Flag.Text("kernel-memory-tcp", "BYTES", "accepted and ignored: the kernel has no such limit any more"),
        Flag.Text("memory", "BYTES", "memory limit; K, M and G are understood"),
        Flag.Text("memory-reservation", "BYTES", "soft memory limit"),
        Flag.Text("memory-swap", "BYTES", "limit of memory and swap together; -1 for none"),
        Flag.Text("pids-limit", "N", "number of processes and threads; -1 for no limit"),
        Flag.Text("l3-cache-schema", "TEXT", "Intel RDT/CAT L3 cache schema"),
        Flag.Text("mem-bw-schema", "TEXT", "Intel RDT/MBA memory bandwidth schema"),
    ];

    /// <exception cref="SandboxException">A value that is none, in runc's words.</exception>
    internal static LinuxResources Read(FlagValues flags)
    {
        if (flags.IsGiven("l3-cache-schema"))
        {
            throw new SandboxException("Intel RDT/CAT: l3 cache schema is not enabled");
        }

        if (flags.IsGiven("mem-bw-schema"))
        {
            throw new SandboxException("Intel RDT/MBA: memory bandwidth schema is not enabled");
        }

        var resources = new LinuxResources();
        if (AnyGiven(flags, "cpu-period", "cpu-quota", "cpu-share", "cpu-rt-period", "cpu-rt-runtime", "cpuset-cpus", "cpuset-mems"))
        {
            resources = resources with { Cpu = ReadCpu(flags) };
        }

        if (AnyGiven(flags, "memory", "memory-reservation", "memory-swap"))
        {
            resources = resources with
            {
                Memory = new LinuxMemory
                {
                    Limit = Bytes(flags, "memory"),
                    Reservation = Bytes(flags, "memory-reservation"),
                    Swap = Bytes(flags, "memory-swap"),
                },
            };
        }

        if (Number(flags, "blkio-weight") is { } weight and > 0)
        {
            resources = resources with { BlockIO = new LinuxBlockIO { Weight = (ushort)Math.Min(weight, ushort.MaxValue) } };
        }

        return Number(flags, "pids-limit") is { } pids and not 0
            ? resources with { Pids = new LinuxPids { Limit = pids } }
            : resources;
    }

    private static LinuxCpu ReadCpu(FlagValues flags) => new()
    {
        Period = Unsigned(flags, "cpu-period"),
        Quota = Number(flags, "cpu-quota"),
        Shares = Unsigned(flags, "cpu-share"),
        RealtimePeriod = Unsigned(flags, "cpu-rt-period"),
        RealtimeRuntime = Number(flags, "cpu-rt-runtime"),
        Cpus = flags.Text("cpuset-cpus"),
        Mems = flags.Text("cpuset-mems"),
    };

    private static bool AnyGiven(FlagValues flags, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (flags.IsGiven(name))
            {
                return true;
            }
        }

        return false;
    }

    private static long? Bytes(FlagValues flags, string name)
    {
        if (flags.Text(name) is not { Length: > 0 } text)
        {
            return null;
        }

        if (text == "-1")
        {
            return -1;
        }

        return SizeText.TryParse(text, out long bytes) ? bytes : throw new SandboxException($"invalid value for {name}: invalid size: '{text}'");
    }

    private static long? Number(FlagValues flags, string name)
    {
        if (flags.Text(name) is not { Length: > 0 } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new SandboxException($"invalid value for {name}: \"{text}\" is not a number");
    }

    private static ulong? Unsigned(FlagValues flags, string name) => Number(flags, name) switch
    {
        null => null,
        < 0 => throw new SandboxException($"invalid value for {name}: must not be negative"),
        long number => (ulong)number,
    };
}
