namespace Caisson.Oci;

public sealed partial record LinuxResources
{
    internal LinuxResources(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "devices"u8)) { Devices = at.List(static (ref SpecCursor item) => new LinuxDeviceCgroup(ref item)); }
            else if (at.Is(ref fields, "memory"u8)) { Memory = new LinuxMemory(ref at); }
            else if (at.Is(ref fields, "cpu"u8)) { Cpu = new LinuxCpu(ref at); }
            else if (at.Is(ref fields, "pids"u8)) { Pids = new LinuxPids(ref at); }
            else if (at.Is(ref fields, "blockIO"u8)) { BlockIO = new LinuxBlockIO(ref at); }
            else if (at.Is(ref fields, "hugepageLimits"u8)) { HugepageLimits = at.List(static (ref SpecCursor item) => new LinuxHugepageLimit(ref item)); }
            else if (at.Is(ref fields, "network"u8)) { Network = new LinuxNetwork(ref at); }
            else if (at.Is(ref fields, "rdma"u8)) { Rdma = at.Map(static (ref SpecCursor item) => new LinuxRdma(ref item)); }
            else if (at.Is(ref fields, "unified"u8)) { Unified = at.StringMap(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxDeviceCgroup
{
    internal LinuxDeviceCgroup(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "allow"u8)) { Allow = at.Bool(); }
            else if (at.Is(ref fields, "type"u8)) { Type = at.OptionalString(); }
            else if (at.Is(ref fields, "major"u8)) { Major = at.Int64(); }
            else if (at.Is(ref fields, "minor"u8)) { Minor = at.Int64(); }
            else if (at.Is(ref fields, "access"u8)) { Access = at.OptionalString(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "allow");
    }
}

public sealed partial record LinuxMemory
{
    internal LinuxMemory(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "limit"u8)) { Limit = at.Int64(); }
            else if (at.Is(ref fields, "reservation"u8)) { Reservation = at.Int64(); }
            else if (at.Is(ref fields, "swap"u8)) { Swap = at.Int64(); }
            else if (at.Is(ref fields, "kernel"u8)) { Kernel = at.Int64(); }
            else if (at.Is(ref fields, "kernelTCP"u8)) { KernelTcp = at.Int64(); }
            else if (at.Is(ref fields, "swappiness"u8)) { Swappiness = at.UInt64(); }
            else if (at.Is(ref fields, "disableOOMKiller"u8)) { DisableOomKiller = at.Bool(); }
            else if (at.Is(ref fields, "useHierarchy"u8)) { UseHierarchy = at.Bool(); }
            else if (at.Is(ref fields, "checkBeforeUpdate"u8)) { CheckBeforeUpdate = at.Bool(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxCpu
{
    internal LinuxCpu(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "shares"u8)) { Shares = at.UInt64(); }
            else if (at.Is(ref fields, "quota"u8)) { Quota = at.Int64(); }
            else if (at.Is(ref fields, "burst"u8)) { Burst = at.UInt64(); }
            else if (at.Is(ref fields, "period"u8)) { Period = at.UInt64(); }
            else if (at.Is(ref fields, "realtimeRuntime"u8)) { RealtimeRuntime = at.Int64(); }
            else if (at.Is(ref fields, "realtimePeriod"u8)) { RealtimePeriod = at.UInt64(); }
            else if (at.Is(ref fields, "cpus"u8)) { Cpus = at.OptionalString(); }
            else if (at.Is(ref fields, "mems"u8)) { Mems = at.OptionalString(); }
            else if (at.Is(ref fields, "idle"u8)) { Idle = at.Int64(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxPids
{
    internal LinuxPids(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "limit"u8)) { Limit = at.Int64(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxHugepageLimit
{
    internal LinuxHugepageLimit(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "pageSize"u8)) { PageSize = at.String(); }
            else if (at.Is(ref fields, "limit"u8)) { Limit = at.UInt64(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "pageSize", "limit");
    }
}

public sealed partial record LinuxRdma
{
    internal LinuxRdma(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "hcaHandles"u8)) { HcaHandles = at.UInt32(); }
            else if (at.Is(ref fields, "hcaObjects"u8)) { HcaObjects = at.UInt32(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxNetwork
{
    internal LinuxNetwork(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "classID"u8)) { ClassId = at.UInt32(); }
            else if (at.Is(ref fields, "priorities"u8)) { Priorities = at.List(static (ref SpecCursor item) => new LinuxInterfacePriority(ref item)); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record LinuxInterfacePriority
{
    internal LinuxInterfacePriority(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "name"u8)) { Name = at.String(); }
            else if (at.Is(ref fields, "priority"u8)) { Priority = at.UInt32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "name", "priority");
    }
}
