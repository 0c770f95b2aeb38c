using System.Buffers;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The lines of <c>events</c>, in runc's form: members without a value are left out as Go's omitempty leaves them.</summary>
internal static class UsageText
{
    internal static byte[] OutOfMemory(string id) => Line(json =>
    {
        json.WriteString("type", "oom");
        json.WriteString("id", id);
    });

    internal static byte[] Of(string id, ContainerUsage usage) => Line(json =>
    {
        json.WriteString("type", "stats");
        json.WriteString("id", id);
        json.WriteStartObject("data");
        WriteCpu(json, usage.Stats.Cpu);
        WriteMemory(json, usage.Stats.Memory);
        json.WriteStartObject("pids");
        WriteUnlessZero(json, "current", usage.Stats.PidsCurrent);
        WriteLimit(json, "limit", usage.Stats.PidsLimit);
        json.WriteEndObject();
        WriteBlock(json, usage.Stats.Block);
        WriteHugePages(json, usage.Stats.HugePages);
        json.WriteStartObject("intel_rdt");
        json.WriteEndObject();
        json.WriteNull("network_interfaces");
        json.WriteEndObject();
    });

    private static void WriteCpu(Utf8JsonWriter json, CgroupCpuStats cpu)
    {
        json.WriteStartObject("cpu");
        json.WriteStartObject("usage");
        WriteUnlessZero(json, "total", cpu.UsageNanoseconds);
        if (cpu.PerCpuNanoseconds.Count > 0)
        {
            json.WriteStartArray("percpu");
            foreach (ulong nanoseconds in cpu.PerCpuNanoseconds)
            {
                json.WriteNumberValue(nanoseconds);
            }

            json.WriteEndArray();
        }

        json.WriteNumber("kernel", cpu.SystemNanoseconds);
        json.WriteNumber("user", cpu.UserNanoseconds);
        json.WriteEndObject();
        json.WriteStartObject("throttling");
        WriteUnlessZero(json, "periods", cpu.Periods);
        WriteUnlessZero(json, "throttledPeriods", cpu.ThrottledPeriods);
        WriteUnlessZero(json, "throttledTime", cpu.ThrottledNanoseconds);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMemory(Utf8JsonWriter json, CgroupMemoryStats memory)
    {
        json.WriteStartObject("memory");
        WriteUnlessZero(json, "cache", memory.Cache);
        WriteEntry(json, "usage", memory.Limit, memory.Usage, memory.MaxUsage, memory.FailCount);
        WriteEntry(json, "swap", memory.SwapLimit, memory.SwapUsage, null, null);
        WriteEntry(json, "kernel", null, memory.KernelUsage, null, null);
        WriteEntry(json, "kernelTCP", null, memory.KernelTcpUsage, null, null);
        if (memory.Stat.Count > 0)
        {
            json.WriteStartObject("raw");
            foreach (KeyValuePair<string, ulong> count in memory.Stat)
            {
                json.WriteNumber(count.Key, count.Value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, string name, ulong? limit, ulong? usage, ulong? most, ulong? failures)
    {
        json.WriteStartObject(name);
        if (limit is { } bound)
        {
            json.WriteNumber("limit", bound);
        }

        WriteUnlessZero(json, "usage", usage);
        WriteUnlessZero(json, "max", most);
        json.WriteNumber("failcnt", failures ?? 0);
        json.WriteEndObject();
    }

    private static void WriteBlock(Utf8JsonWriter json, CgroupBlockStats block)
    {
        json.WriteStartObject("blkio");
        WriteBlockEntries(json, "ioServiceBytesRecursive", block.ServiceBytes);
        WriteBlockEntries(json, "ioServicedRecursive", block.Serviced);
        json.WriteEndObject();
    }

    private static void WriteBlockEntries(Utf8JsonWriter json, string name, IReadOnlyList<BlockIoEntry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (BlockIoEntry entry in entries)
        {
            json.WriteStartObject();
            WriteUnlessZero(json, "major", entry.Major);
            WriteUnlessZero(json, "minor", entry.Minor);
            json.WriteString("op", entry.Operation);
            WriteUnlessZero(json, "value", entry.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHugePages(Utf8JsonWriter json, IReadOnlyDictionary<string, CgroupHugePageStats> pages)
    {
        json.WriteStartObject("hugetlb");
        foreach (KeyValuePair<string, CgroupHugePageStats> size in pages)
        {
            json.WriteStartObject(size.Key);
            WriteUnlessZero(json, "usage", size.Value.Usage);
            WriteUnlessZero(json, "max", size.Value.MaxUsage);
            json.WriteNumber("failcnt", size.Value.FailCount ?? 0);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteUnlessZero(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is > 0)
        {
            json.WriteNumber(name, value.Value);
        }
    }

    // "No limit" is what runc leaves out.
    private static void WriteLimit(Utf8JsonWriter json, string name, ulong? limit) =>
        WriteUnlessZero(json, name, limit == ulong.MaxValue ? null : limit);

    private static byte[] Line(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
