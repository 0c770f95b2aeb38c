using Caisson.Oci;
using Google.Protobuf.Collections;

namespace Caisson.Protocol;

/// <summary>
/// Between the OCI model and Kata's protobuf form of it. Complete for the fields the protobuf form has; the rest of a
/// specification travels as JSON beside it (<c>config_json</c>, <c>process_json</c>, <c>resources_json</c>). The wire does not
/// tell 0 and "" from "absent": they come back as absent where the model can say so.
/// </summary>
public static partial class SpecConverter
{
    /// <summary>The protobuf form of a specification.</summary>
    public static Wire.Spec ToWire(OciSpec spec)
    {
        var wire = new Wire.Spec
        {
            Version = spec.OciVersion ?? "",
            Process = spec.Process is null ? null : ToWire(spec.Process),
            Root = spec.Root is null ? null : new Wire.Root { Path = spec.Root.Path ?? "", Readonly = spec.Root.Readonly },
            Hostname = spec.Hostname ?? "",
            Hooks = spec.Hooks is null ? null : ToWire(spec.Hooks),
            Linux = spec.Linux is null ? null : ToWire(spec.Linux),
        };
        Add(wire.Annotations, spec.Annotations);
        foreach (OciMount mount in spec.Mounts)
        {
            var item = new Wire.Mount { Destination = mount.Destination, Source = mount.Source ?? "", Type = mount.Type ?? "" };
            item.Options.AddRange(mount.Options);
            wire.Mounts.Add(item);
        }

        return wire;
    }

    /// <summary>The specification of its protobuf form.</summary>
    public static OciSpec FromWire(Wire.Spec wire) => new()
    {
        OciVersion = Given(wire.Version),
        Process = wire.Process is null ? null : FromWire(wire.Process),
        Root = wire.Root is null ? null : new OciRoot { Path = Given(wire.Root.Path), Readonly = wire.Root.Readonly },
        Hostname = Given(wire.Hostname),
        Mounts = List(wire.Mounts, mount => new OciMount
        {
            Destination = mount.Destination,
            Source = Given(mount.Source),
            Type = Given(mount.Type),
            Options = List(mount.Options),
        }),
        Hooks = wire.Hooks is null ? null : FromWire(wire.Hooks),
        Annotations = Map(wire.Annotations),
        Linux = wire.Linux is null ? null : FromWire(wire.Linux),
    };

    private static Wire.Hooks ToWire(OciHooks hooks)
    {
        var wire = new Wire.Hooks();
        Add(wire.Prestart, hooks.Prestart);
        Add(wire.Poststart, hooks.Poststart);
        Add(wire.Poststop, hooks.Poststop);
        Add(wire.CreateRuntime, hooks.CreateRuntime);
        Add(wire.CreateContainer, hooks.CreateContainer);
        Add(wire.StartContainer, hooks.StartContainer);
        return wire;
    }

    private static OciHooks FromWire(Wire.Hooks wire) => new()
    {
        Prestart = List(wire.Prestart, FromWire),
        Poststart = List(wire.Poststart, FromWire),
        Poststop = List(wire.Poststop, FromWire),
        CreateRuntime = List(wire.CreateRuntime, FromWire),
        CreateContainer = List(wire.CreateContainer, FromWire),
        StartContainer = List(wire.StartContainer, FromWire),
    };

    private static void Add(RepeatedField<Wire.Hook> target, SpecList<OciHook> hooks)
    {
        foreach (OciHook hook in hooks)
        {
            var item = new Wire.Hook { Path = hook.Path, Timeout = hook.Timeout ?? 0 };
            item.Args.AddRange(hook.Args);
            item.Env.AddRange(hook.Env);
            target.Add(item);
        }
    }

    private static OciHook FromWire(Wire.Hook wire) => new()
    {
        Path = wire.Path,
        Args = List(wire.Args),
        Env = List(wire.Env),
        Timeout = wire.Timeout == 0 ? null : Int32(wire.Timeout, "the timeout of a hook"),
    };

    private static void Add(MapField<string, string> target, SpecMap<string> pairs)
    {
        foreach (KeyValuePair<string, string> pair in pairs)
        {
            target.Add(pair.Key, pair.Value);
        }
    }

    private static SpecMap<string> Map(MapField<string, string> pairs) => pairs.Count == 0 ? SpecMap.Empty<string>() : new(pairs);

    private static SpecList<T> List<T>(RepeatedField<T> items) => SpecList.Create<T>([.. items]);

    private static SpecList<TTo> List<TFrom, TTo>(RepeatedField<TFrom> items, Func<TFrom, TTo> convert)
    {
        if (items.Count == 0)
        {
            return [];
        }

        var converted = new TTo[items.Count];
        for (int index = 0; index < converted.Length; index++)
        {
            converted[index] = convert(items[index]);
        }

        return SpecList.Create<TTo>(converted);
    }

    private static string? Given(string text) => text.Length == 0 ? null : text;

    private static long? Given(long number) => number == 0 ? null : number;

    private static ulong? Given(ulong number) => number == 0 ? null : number;

    private static uint? Given(uint number) => number == 0 ? null : number;

    // The model's types are the specification's; a peer may send what does not fit them.
    private static int Int32(long number, string what) =>
        number is >= int.MinValue and <= int.MaxValue ? (int)number : throw OutOfRange(what, number);

    private static ushort? Weight(uint number) =>
        number == 0 ? null : number <= ushort.MaxValue ? (ushort)number : throw OutOfRange("a block I/O weight", number);

    private static uint Index(ulong number) => number <= uint.MaxValue ? (uint)number : throw OutOfRange("the index of a system call's argument", number);

    private static Ttrpc.TtrpcException OutOfRange(string what, object number) =>
        new(Ttrpc.TtrpcCode.InvalidArgument, $"{what} is out of range: {number}");
}
