using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record LinuxNamespace
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Type);
        json.WriteOptional("path"u8, Path);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxIdMapping
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("containerID"u8, ContainerId);
        json.WriteNumber("hostID"u8, HostId);
        json.WriteNumber("size"u8, Size);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxTimeOffset
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteUnlessZero("secs"u8, Secs);
        json.WriteUnlessZero("nanosecs"u8, Nanosecs);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxDevice
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Type);
        json.WriteString("path"u8, Path);
        json.WriteUnlessZero("major"u8, Major);
        json.WriteUnlessZero("minor"u8, Minor);
        json.WriteOptional("fileMode"u8, FileMode);
        json.WriteOptional("uid"u8, Uid);
        json.WriteOptional("gid"u8, Gid);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxNetDevice
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("name"u8, Name);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxPersonality
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("domain"u8, Domain);
        json.WriteStrings("flags"u8, Flags);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxMemoryPolicy
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("mode"u8, Mode);
        json.WriteOptional("nodes"u8, Nodes);
        json.WriteStrings("flags"u8, Flags);
        json.WriteEndObject();
    }
}

public sealed partial record LinuxIntelRdt
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("closID"u8, ClosId);
        json.WriteStrings("schemata"u8, Schemata);
        json.WriteOptional("l3CacheSchema"u8, L3CacheSchema);
        json.WriteOptional("memBwSchema"u8, MemBwSchema);
        json.WriteIfSet("enableMonitoring"u8, EnableMonitoring);
        json.WriteIfSet("enableCMT"u8, EnableCmt);
        json.WriteIfSet("enableMBM"u8, EnableMbm);
        json.WriteEndObject();
    }
}
