using System.Text.Json;

namespace Caisson.Oci;

public sealed partial record OciProcess
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteIfSet("terminal"u8, Terminal);
        json.WriteObject("consoleSize"u8, ConsoleSize, static (json, item) => item.Write(json));
        json.WriteOptional("cwd"u8, Cwd);
        json.WriteStrings("env"u8, Env);
        json.WriteStrings("args"u8, Args);
        json.WriteObject("user"u8, User, static (json, item) => item.Write(json));
        json.WriteList("rlimits"u8, Rlimits, static (json, item) => item.Write(json));
        json.WriteObject("capabilities"u8, Capabilities, static (json, item) => item.Write(json));
        json.WriteOptional("apparmorProfile"u8, ApparmorProfile);
        json.WriteOptional("selinuxLabel"u8, SelinuxLabel);
        json.WriteIfSet("noNewPrivileges"u8, NoNewPrivileges);
        json.WriteOptional("oomScoreAdj"u8, OomScoreAdj);
        json.WriteObject("scheduler"u8, Scheduler, static (json, item) => item.Write(json));
        json.WriteObject("ioPriority"u8, IOPriority, static (json, item) => item.Write(json));
        json.WriteObject("execCPUAffinity"u8, ExecCpuAffinity, static (json, item) => item.Write(json));
        json.WriteEndObject();
    }
}

public sealed partial record OciConsoleSize
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("height"u8, Height);
        json.WriteNumber("width"u8, Width);
        json.WriteEndObject();
    }
}

public sealed partial record OciUser
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("uid"u8, Uid);
        json.WriteNumber("gid"u8, Gid);
        json.WriteOptional("umask"u8, Umask);
        json.WriteNumbers("additionalGids"u8, AdditionalGids);
        json.WriteOptional("username"u8, Username);
        json.WriteEndObject();
    }
}

public sealed partial record OciRlimit
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Type);
        json.WriteNumber("hard"u8, Hard);
        json.WriteNumber("soft"u8, Soft);
        json.WriteEndObject();
    }
}

public sealed partial record OciCapabilities
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStrings("bounding"u8, Bounding);
        json.WriteStrings("effective"u8, Effective);
        json.WriteStrings("inheritable"u8, Inheritable);
        json.WriteStrings("permitted"u8, Permitted);
        json.WriteStrings("ambient"u8, Ambient);
        json.WriteEndObject();
    }
}

public sealed partial record OciScheduler
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("policy"u8, Policy);
        json.WriteUnlessZero("nice"u8, Nice);
        json.WriteUnlessZero("priority"u8, Priority);
        json.WriteStrings("flags"u8, Flags);
        json.WriteUnlessZero("runtime"u8, Runtime);
        json.WriteUnlessZero("deadline"u8, Deadline);
        json.WriteUnlessZero("period"u8, Period);
        json.WriteEndObject();
    }
}

public sealed partial record OciIOPriority
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("class"u8, Class);
        json.WriteNumber("priority"u8, Priority);
        json.WriteEndObject();
    }
}

public sealed partial record OciCpuAffinity
{
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteOptional("initial"u8, Initial);
        json.WriteOptional("final"u8, Final);
        json.WriteEndObject();
    }
}
