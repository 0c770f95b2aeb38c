using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciSpec
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("ociVersion"u8, OciVersion);
        json.WriteObject("root"u8, Root, static (json, item) => item.Write(json));
        json.WriteList("mounts"u8, Mounts, static (json, item) => item.Write(json));
        json.WriteObject("process"u8, Process, static (json, item) => item.Write(json));
        json.WriteOptional("hostname"u8, Hostname);
        json.WriteOptional("domainname"u8, Domainname);
        json.WriteObject("hooks"u8, Hooks, static (json, item) => item.Write(json));
        json.WriteStringMap("annotations"u8, Annotations);
        json.WriteObject("linux"u8, Linux, static (json, item) => item.Write(json));
        json.WriteObject("vm"u8, VM, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}
