using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciVM
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteObject("hypervisor"u8, Hypervisor, static (json, item) => item.Write(json));
        json.WriteObject("kernel"u8, Kernel, static (json, item) => item.Write(json));
        json.WriteObject("image"u8, Image, static (json, item) => item.Write(json));
        json.WriteObject("hwConfig"u8, HwConfig, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record VMHypervisor
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("path"u8, Path);
        json.WriteStrings("parameters"u8, Parameters);
        json.WriteEndObject();
    }
}

public sealed partial record VMKernel
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("path"u8, Path);
        json.WriteStrings("parameters"u8, Parameters);
        json.WriteOptional("initrd"u8, InitRD);
        json.WriteEndObject();
    }
}

public sealed partial record VMImage
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("path"u8, Path);
        json.WriteOptional("format"u8, Format);
        json.WriteEndObject();
    }
}

public sealed partial record VMHwConfig
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("deviceTree"u8, DeviceTree);
        json.WriteOptional("vcpus"u8, VCpus);
        json.WriteOptional("memory"u8, Memory);
        json.WriteStrings("dtdevs"u8, DtDevs);
        json.WriteList("iomems"u8, IOMems, static (json, item) => item.Write(json));
        json.WriteNumbers("irqs"u8, Irqs);
        json.WriteEndObject();
    }
}

public sealed partial record VMIOMem
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("firstMFN"u8, FirstMfn);
        json.WriteOptional("nrMFNs"u8, NrMfns);
        json.WriteOptional("firstGFN"u8, FirstGfn);
        json.WriteEndObject();
    }
}
