namespace Caisson.Oci;

public sealed partial record OciProcess
{
    internal OciProcess(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "terminal"u8)) { Terminal = at.Bool(); }
            else if (at.Is(ref fields, "consoleSize"u8)) { ConsoleSize = new OciConsoleSize(ref at); }
            else if (at.Is(ref fields, "cwd"u8)) { Cwd = at.OptionalString(); }
            else if (at.Is(ref fields, "env"u8)) { Env = at.Strings(); }
            else if (at.Is(ref fields, "args"u8)) { Args = at.Strings(); }
            else if (at.Is(ref fields, "user"u8)) { User = new OciUser(ref at); }
            else if (at.Is(ref fields, "rlimits"u8)) { Rlimits = at.List(static (ref SpecCursor item) => new OciRlimit(ref item)); }
            else if (at.Is(ref fields, "capabilities"u8)) { Capabilities = new OciCapabilities(ref at); }
            else if (at.Is(ref fields, "apparmorProfile"u8)) { ApparmorProfile = at.OptionalString(); }
            else if (at.Is(ref fields, "selinuxLabel"u8)) { SelinuxLabel = at.OptionalString(); }
            else if (at.Is(ref fields, "noNewPrivileges"u8)) { NoNewPrivileges = at.Bool(); }
            else if (at.Is(ref fields, "oomScoreAdj"u8)) { OomScoreAdj = at.Int32(); }
            else if (at.Is(ref fields, "scheduler"u8)) { Scheduler = new OciScheduler(ref at); }
            else if (at.Is(ref fields, "ioPriority"u8)) { IOPriority = new OciIOPriority(ref at); }
            else if (at.Is(ref fields, "execCPUAffinity"u8)) { ExecCpuAffinity = new OciCpuAffinity(ref at); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record OciConsoleSize
{
    internal OciConsoleSize(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "height"u8)) { Height = at.UInt32(); }
            else if (at.Is(ref fields, "width"u8)) { Width = at.UInt32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "height", "width");
    }
}

public sealed partial record OciUser
{
    internal OciUser(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "uid"u8)) { Uid = at.UInt32(); }
            else if (at.Is(ref fields, "gid"u8)) { Gid = at.UInt32(); }
            else if (at.Is(ref fields, "umask"u8)) { Umask = at.UInt32(); }
            else if (at.Is(ref fields, "additionalGids"u8)) { AdditionalGids = at.Numbers(); }
            else if (at.Is(ref fields, "username"u8)) { Username = at.OptionalString(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record OciRlimit
{
    internal OciRlimit(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "type"u8)) { Type = at.String(); }
            else if (at.Is(ref fields, "hard"u8)) { Hard = at.UInt64(); }
            else if (at.Is(ref fields, "soft"u8)) { Soft = at.UInt64(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "type", "hard", "soft");
    }
}

public sealed partial record OciCapabilities
{
    internal OciCapabilities(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "bounding"u8)) { Bounding = at.Strings(); }
            else if (at.Is(ref fields, "effective"u8)) { Effective = at.Strings(); }
            else if (at.Is(ref fields, "inheritable"u8)) { Inheritable = at.Strings(); }
            else if (at.Is(ref fields, "permitted"u8)) { Permitted = at.Strings(); }
            else if (at.Is(ref fields, "ambient"u8)) { Ambient = at.Strings(); }
            else { at.Skip(); }
        }
    }
}

public sealed partial record OciScheduler
{
    internal OciScheduler(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "policy"u8)) { Policy = at.String(); }
            else if (at.Is(ref fields, "nice"u8)) { Nice = at.Int32(); }
            else if (at.Is(ref fields, "priority"u8)) { Priority = at.Int32(); }
            else if (at.Is(ref fields, "flags"u8)) { Flags = at.Strings(); }
            else if (at.Is(ref fields, "runtime"u8)) { Runtime = at.UInt64(); }
            else if (at.Is(ref fields, "deadline"u8)) { Deadline = at.UInt64(); }
            else if (at.Is(ref fields, "period"u8)) { Period = at.UInt64(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "policy");
    }
}

public sealed partial record OciIOPriority
{
    internal OciIOPriority(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "class"u8)) { Class = at.String(); }
            else if (at.Is(ref fields, "priority"u8)) { Priority = at.Int32(); }
            else { at.Skip(); }
        }
        at.RequireFirst(in fields, "class");
    }
}

public sealed partial record OciCpuAffinity
{
    internal OciCpuAffinity(ref SpecCursor at)
    {
        ObjectFields fields = at.Object();
        while (at.Next(ref fields))
        {
            if (at.Is(ref fields, "initial"u8)) { Initial = at.OptionalString(); }
            else if (at.Is(ref fields, "final"u8)) { Final = at.OptionalString(); }
            else { at.Skip(); }
        }
    }
}
