using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record LinuxBlockIO
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("weight"u8, Weight);
        json.WriteOptional("leafWeight"u8, LeafWeight);
        json.WriteList("weightDevice"u8, WeightDevice, static (json, item) => item.Write(json));
        json.WriteList("throttleReadBpsDevice"u8, ThrottleReadBpsDevice, static (json, item) => item.Write(json));
        json.WriteList("throttleWriteBpsDevice"u8, ThrottleWriteBpsDevice, static (json, item) => item.Write(json));
        json.WriteList("throttleReadIOPSDevice"u8, ThrottleReadIopsDevice, static (json, item) => item.Write(json));
        json.WriteList("throttleWriteIOPSDevice"u8, ThrottleWriteIopsDevice, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record LinuxWeightDevice
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("major"u8, Major);
        json.WriteNumber("minor"u8, Minor);
        json.WriteOptional("weight"u8, Weight);
        json.WriteOptional("leafWeight"u8, LeafWeight);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxThrottleDevice
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("major"u8, Major);
        json.WriteNumber("minor"u8, Minor);
        json.WriteNumber("rate"u8, Rate);
        json.WriteEndObject();
    }
}
