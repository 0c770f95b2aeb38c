using Caisson.Oci;
using Google.Protobuf.Collections;

namespace Caisson.Protocol;

public static partial class SpecConverter
{
    private static Wire.Linux ToWire(OciLinux linux)
    {
        var wire = new Wire.Linux
        {
            Resources = linux.Resources is null ? null : ToWire(linux.Resources),
            CgroupsPath = linux.CgroupsPath ?? "",
            Seccomp = linux.Seccomp is null ? null : ToWire(linux.Seccomp),
            RootfsPropagation = linux.RootfsPropagation ?? "",
            MountLabel = linux.MountLabel ?? "",
            IntelRdt = linux.IntelRdt is null ? null : new Wire.IntelRdt { L3CacheSchema = linux.IntelRdt.L3CacheSchema ?? "" },
        };
        Add(wire.UidMappings, linux.UidMappings);
        Add(wire.GidMappings, linux.GidMappings);
        Add(wire.Sysctl, linux.Sysctl);
        wire.MaskedPaths.AddRange(linux.MaskedPaths);
        wire.ReadonlyPaths.AddRange(linux.ReadonlyPaths);
        foreach (LinuxNamespace item in linux.Namespaces)
        {
            wire.Namespaces.Add(new Wire.Namespace { Type = item.Type, Path = item.Path ?? "" });
        }

        foreach (LinuxDevice device in linux.Devices)
        {
            wire.Devices.Add(ToWire(device));
        }

        return wire;
    }

    private static OciLinux FromWire(Wire.Linux wire) => new()
    {
        UidMappings = List(wire.UidMappings, FromWire),
        GidMappings = List(wire.GidMappings, FromWire),
        Sysctl = Map(wire.Sysctl),
        Resources = wire.Resources is null ? null : FromWire(wire.Resources),
        CgroupsPath = Given(wire.CgroupsPath),
        Namespaces = List(wire.Namespaces, item => new LinuxNamespace { Type = item.Type, Path = Given(item.Path) }),
        Devices = List(wire.Devices, FromWire),
        Seccomp = wire.Seccomp is null ? null : FromWire(wire.Seccomp),
        RootfsPropagation = Given(wire.RootfsPropagation),
        MaskedPaths = List(wire.MaskedPaths),
        ReadonlyPaths = List(wire.ReadonlyPaths),
        MountLabel = Given(wire.MountLabel),
        IntelRdt = wire.IntelRdt is null ? null : new LinuxIntelRdt { L3CacheSchema = Given(wire.IntelRdt.L3CacheSchema) },
    };

    private static void Add(RepeatedField<Wire.IdMapping> target, SpecList<LinuxIdMapping> mappings)
    {
        foreach (LinuxIdMapping mapping in mappings)
        {
            target.Add(new Wire.IdMapping { HostId = mapping.HostId, ContainerId = mapping.ContainerId, Size = mapping.Size });
        }
    }

    private static LinuxIdMapping FromWire(Wire.IdMapping wire) => new() { HostId = wire.HostId, ContainerId = wire.ContainerId, Size = wire.Size };

    private static Wire.DeviceNode ToWire(LinuxDevice device) => new()
    {
        Path = device.Path,
        Type = device.Type,
        Major = device.Major,
        Minor = device.Minor,
        FileMode = device.FileMode ?? 0,
        Uid = device.Uid ?? 0,
        Gid = device.Gid ?? 0,
    };

    private static LinuxDevice FromWire(Wire.DeviceNode wire) => new()
    {
        Path = wire.Path,
        Type = wire.Type,
        Major = wire.Major,
        Minor = wire.Minor,
        FileMode = Given(wire.FileMode),
        Uid = Given(wire.Uid),
        Gid = Given(wire.Gid),
    };

    private static Wire.Seccomp ToWire(LinuxSeccomp seccomp)
    {
        var wire = new Wire.Seccomp { DefaultAction = seccomp.DefaultAction };
        wire.Architectures.AddRange(seccomp.Architectures);
        wire.Flags.AddRange(seccomp.Flags);
        foreach (LinuxSyscall rule in seccomp.Syscalls)
        {
            wire.Syscalls.Add(ToWire(rule));
        }

        return wire;
    }

    private static LinuxSeccomp FromWire(Wire.Seccomp wire) => new()
    {
        DefaultAction = wire.DefaultAction,
        Architectures = List(wire.Architectures),
        Flags = List(wire.Flags),
        Syscalls = List(wire.Syscalls, FromWire),
    };

    private static Wire.Syscall ToWire(LinuxSyscall rule)
    {
        var wire = new Wire.Syscall { Action = rule.Action };
        if (rule.ErrnoRet is { } errno)
        {
            wire.ErrnoRet = errno;
        }

        wire.Names.AddRange(rule.Names);
        foreach (LinuxSeccompArg condition in rule.Args)
        {
            wire.Args.Add(new Wire.SyscallArg { Index = condition.Index, Value = condition.Value, ValueTwo = condition.ValueTwo, Op = condition.Op });
        }

        return wire;
    }

    private static LinuxSyscall FromWire(Wire.Syscall wire) => new()
    {
        Names = List(wire.Names),
        Action = wire.Action,
        ErrnoRet = wire.HasErrnoRet ? wire.ErrnoRet : null,
        Args = List(wire.Args, condition => new LinuxSeccompArg
        {
            Index = Index(condition.Index),
            Value = condition.Value,
            ValueTwo = condition.ValueTwo,
            Op = condition.Op,
        }),
    };
}
