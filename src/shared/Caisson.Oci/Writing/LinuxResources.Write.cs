using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record LinuxResources
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteList("devices"u8, Devices, static (json, item) => item.Write(json));
        json.WriteObject("memory"u8, Memory, static (json, item) => item.Write(json));
        json.WriteObject("cpu"u8, Cpu, static (json, item) => item.Write(json));
        json.WriteObject("pids"u8, Pids, static (json, item) => item.Write(json));
        json.WriteObject("blockIO"u8, BlockIO, static (json, item) => item.Write(json));
        json.WriteList("hugepageLimits"u8, HugepageLimits, static (json, item) => item.Write(json));
        json.WriteObject("network"u8, Network, static (json, item) => item.Write(json));
        json.WriteMap("rdma"u8, Rdma, static (json, item) => item.Write(json));
        json.WriteStringMap("unified"u8, Unified);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxDeviceCgroup
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("allow"u8, Allow);
        json.WriteOptional("type"u8, Type);
        json.WriteOptional("major"u8, Major);
        json.WriteOptional("minor"u8, Minor);
        json.WriteOptional("access"u8, Access);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxMemory
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("limit"u8, Limit);
        json.WriteOptional("reservation"u8, Reservation);
        json.WriteOptional("swap"u8, Swap);
        json.WriteOptional("kernel"u8, Kernel);
        json.WriteOptional("kernelTCP"u8, KernelTcp);
        json.WriteOptional("swappiness"u8, Swappiness);
        json.WriteOptional("disableOOMKiller"u8, DisableOomKiller);
        json.WriteOptional("useHierarchy"u8, UseHierarchy);
        json.WriteOptional("checkBeforeUpdate"u8, CheckBeforeUpdate);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxCpu
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("shares"u8, Shares);
        json.WriteOptional("quota"u8, Quota);
        json.WriteOptional("burst"u8, Burst);
        json.WriteOptional("period"u8, Period);
        json.WriteOptional("realtimeRuntime"u8, RealtimeRuntime);
        json.WriteOptional("realtimePeriod"u8, RealtimePeriod);
        json.WriteOptional("cpus"u8, Cpus);
        json.WriteOptional("mems"u8, Mems);
        json.WriteOptional("idle"u8, Idle);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxPids
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("limit"u8, Limit);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxHugepageLimit
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("pageSize"u8, PageSize);
        json.WriteNumber("limit"u8, Limit);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxRdma
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("hcaHandles"u8, HcaHandles);
        json.WriteOptional("hcaObjects"u8, HcaObjects);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxNetwork
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("classID"u8, ClassId);
        json.WriteList("priorities"u8, Priorities, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record LinuxInterfacePriority
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, Name);
        json.WriteNumber("priority"u8, Priority);
        json.WriteEndObject();
    }
}
