using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciHooks
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteList("prestart"u8, Prestart, static (json, item) => item.Write(json));
        json.WriteList("createRuntime"u8, CreateRuntime, static (json, item) => item.Write(json));
        json.WriteList("createContainer"u8, CreateContainer, static (json, item) => item.Write(json));
        json.WriteList("startContainer"u8, StartContainer, static (json, item) => item.Write(json));
        json.WriteList("poststart"u8, Poststart, static (json, item) => item.Write(json));
        json.WriteList("poststop"u8, Poststop, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record OciHook
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("path"u8, Path);
        json.WriteStrings("args"u8, Args);
        json.WriteStrings("env"u8, Env);
        json.WriteOptional("timeout"u8, Timeout);
        json.WriteEndObject();
    }
}
