using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciRoot
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("path"u8, Path);
        json.WriteIfSet("readonly"u8, Readonly);
        json.WriteEndObject();
    }
}

public sealed partial record OciMount
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("destination"u8, Destination);
        json.WriteOptional("type"u8, Type);
        json.WriteOptional("source"u8, Source);
        json.WriteStrings("options"u8, Options);
        json.WriteList("uidMappings"u8, UidMappings, static (json, item) => item.Write(json));
        json.WriteList("gidMappings"u8, GidMappings, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}
