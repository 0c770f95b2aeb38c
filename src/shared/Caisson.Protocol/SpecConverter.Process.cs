using Caisson.Oci;

namespace Caisson.Protocol;

public static partial class SpecConverter
{
    /// <summary>The protobuf form of a process.</summary>
    public static Wire.Process ToWire(OciProcess process)
    {
        var wire = new Wire.Process
        {
            Terminal = process.Terminal,
            ConsoleSize = process.ConsoleSize is { } size ? new Wire.Box { Height = size.Height, Width = size.Width } : null,
            User = new Wire.User { Uid = process.User.Uid, Gid = process.User.Gid, Username = process.User.Username ?? "" },
            Cwd = process.Cwd ?? "",
            Capabilities = process.Capabilities is null ? null : ToWire(process.Capabilities),
            NoNewPrivileges = process.NoNewPrivileges,
            ApparmorProfile = process.ApparmorProfile ?? "",
            OomScoreAdj = process.OomScoreAdj ?? 0,
            SelinuxLabel = process.SelinuxLabel ?? "",
        };
        wire.User.AdditionalGids.AddRange(process.User.AdditionalGids);
        wire.Args.AddRange(process.Args);
        wire.Env.AddRange(process.Env);
        foreach (OciRlimit limit in process.Rlimits)
        {
            wire.Rlimits.Add(new Wire.Rlimit { Type = limit.Type, Hard = limit.Hard, Soft = limit.Soft });
        }

        return wire;
    }

    /// <summary>The process of its protobuf form.</summary>
    public static OciProcess FromWire(Wire.Process wire) => new()
    {
        Terminal = wire.Terminal,
        ConsoleSize = wire.ConsoleSize is { } size ? new OciConsoleSize { Height = size.Height, Width = size.Width } : null,
        User = wire.User is null ? new OciUser() : FromWire(wire.User),
        Args = List(wire.Args),
        Env = List(wire.Env),
        Cwd = Given(wire.Cwd),
        Capabilities = wire.Capabilities is null ? null : FromWire(wire.Capabilities),
        Rlimits = List(wire.Rlimits, limit => new OciRlimit { Type = limit.Type, Hard = limit.Hard, Soft = limit.Soft }),
        NoNewPrivileges = wire.NoNewPrivileges,
        ApparmorProfile = Given(wire.ApparmorProfile),
        OomScoreAdj = wire.OomScoreAdj == 0 ? null : Int32(wire.OomScoreAdj, "oomScoreAdj"),
        SelinuxLabel = Given(wire.SelinuxLabel),
    };

    private static OciUser FromWire(Wire.User wire) => new()
    {
        Uid = wire.Uid,
        Gid = wire.Gid,
        AdditionalGids = List(wire.AdditionalGids),
        Username = Given(wire.Username),
    };

    private static Wire.Capabilities ToWire(OciCapabilities sets)
    {
        var wire = new Wire.Capabilities();
        wire.Bounding.AddRange(sets.Bounding);
        wire.Effective.AddRange(sets.Effective);
        wire.Inheritable.AddRange(sets.Inheritable);
        wire.Permitted.AddRange(sets.Permitted);
        wire.Ambient.AddRange(sets.Ambient);
        return wire;
    }

    private static OciCapabilities FromWire(Wire.Capabilities wire) => new()
    {
        Bounding = List(wire.Bounding),
        Effective = List(wire.Effective),
        Inheritable = List(wire.Inheritable),
        Permitted = List(wire.Permitted),
        Ambient = List(wire.Ambient),
    };
}
