using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record LinuxSeccomp
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("defaultAction"u8, DefaultAction);
        json.WriteOptional("defaultErrnoRet"u8, DefaultErrnoRet);
        json.WriteStrings("architectures"u8, Architectures);
        json.WriteStrings("flags"u8, Flags);
        json.WriteOptional("listenerPath"u8, ListenerPath);
        json.WriteOptional("listenerMetadata"u8, ListenerMetadata);
        json.WriteList("syscalls"u8, Syscalls, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record LinuxSyscall
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStrings("names"u8, Names, evenEmpty: true);
        json.WriteString("action"u8, Action);
        json.WriteOptional("errnoRet"u8, ErrnoRet);
        json.WriteList("args"u8, Args, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record LinuxSeccompArg
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, Index);
        json.WriteNumber("value"u8, Value);
        json.WriteString("op"u8, Op);
        json.WriteUnlessZero("valueTwo"u8, ValueTwo);
        json.WriteEndObject();
    }
}
