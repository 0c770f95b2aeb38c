namespace Caisson.Oci;

public sealed partial record OciVM
{
    internal OciVM(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "hypervisor"u8)) { Hypervisor = new VMHypervisor(ref at); }
            else if (at.Is(ref fields, "kernel"u8)) { Kernel = new VMKernel(ref at); }
            else if (at.Is(ref fields, "image"u8)) { Image = new VMImage(ref at); }
            else if (at.Is(ref fields, "hwConfig"u8)) { HwConfig = new VMHwConfig(ref at); }
            // config-vm.md and the schema say hwConfig, specs-go writes hwconfig.
            else if (at.Is(ref fields, "hwconfig"u8)) { HwConfig = new VMHwConfig(ref at); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record VMHypervisor
{
    internal VMHypervisor(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "path"u8)) { Path = at.OptionalString(); }
            else if (at.Is(ref fields, "parameters"u8)) { Parameters = at.Strings(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record VMKernel
{
    internal VMKernel(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "path"u8)) { Path = at.OptionalString(); }
            else if (at.Is(ref fields, "parameters"u8)) { Parameters = at.Strings(); }
            else if (at.Is(ref fields, "initrd"u8)) { InitRD = at.OptionalString(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record VMImage
{
    internal VMImage(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "path"u8)) { Path = at.OptionalString(); }
            else if (at.Is(ref fields, "format"u8)) { Format = at.OptionalString(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record VMHwConfig
{
    internal VMHwConfig(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "deviceTree"u8)) { DeviceTree = at.OptionalString(); }
            else if (at.Is(ref fields, "vcpus"u8)) { VCpus = at.UInt32(); }
            else if (at.Is(ref fields, "memory"u8)) { Memory = at.UInt64(); }
            else if (at.Is(ref fields, "dtdevs"u8)) { DtDevs = at.Strings(); }
            else if (at.Is(ref fields, "iomems"u8)) { IOMems = at.List(static (ref SpecCursor item) => new VMIOMem(ref item)); }
            else if (at.Is(ref fields, "irqs"u8)) { Irqs = at.Numbers(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record VMIOMem
{
    internal VMIOMem(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "firstMFN"u8)) { FirstMfn = at.UInt64(); }
            else if (at.Is(ref fields, "nrMFNs"u8)) { NrMfns = at.UInt64(); }
            else if (at.Is(ref fields, "firstGFN"u8)) { FirstGfn = at.UInt64(); }
            else { at.Skip(); }
        }
    }
}
