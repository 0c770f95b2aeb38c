using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciLinux
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteList("uidMappings"u8, UidMappings, static (json, item) => item.Write(json));
        json.WriteList("gidMappings"u8, GidMappings, static (json, item) => item.Write(json));
        json.WriteStringMap("sysctl"u8, Sysctl);
        json.WriteObject("resources"u8, Resources, static (json, item) => item.Write(json));
        json.WriteOptional("cgroupsPath"u8, CgroupsPath);
        json.WriteList("namespaces"u8, Namespaces, static (json, item) => item.Write(json));
        json.WriteList("devices"u8, Devices, static (json, item) => item.Write(json));
        json.WriteMap("netDevices"u8, NetDevices, static (json, item) => item.Write(json));
        json.WriteObject("seccomp"u8, Seccomp, static (json, item) => item.Write(json));
        json.WriteOptional("rootfsPropagation"u8, RootfsPropagation);
        json.WriteStrings("maskedPaths"u8, MaskedPaths);
        json.WriteStrings("readonlyPaths"u8, ReadonlyPaths);
        json.WriteOptional("mountLabel"u8, MountLabel);
        json.WriteObject("intelRdt"u8, IntelRdt, static (json, item) => item.Write(json));
        json.WriteObject("memoryPolicy"u8, MemoryPolicy, static (json, item) => item.Write(json));
        json.WriteObject("personality"u8, Personality, static (json, item) => item.Write(json));
        json.WriteMap("timeOffsets"u8, TimeOffsets, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}
