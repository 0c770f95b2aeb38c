using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>What containerd's configuration says about a runtime, by the types that a shim may be given.</summary>
internal static class ShimOptions
{
    private const string OwnOptions = "runtimeoptions.v1.Options";
    private const string RuncOptionsType = "containerd.runc.v1.Options";
    private const string CheckpointOptionsType = "containerd.runc.v1.CheckpointOptions";

    // Where the action start leaves what it was given, for the daemon.
    private const string File = "caisson-shim.options";
    private const int MaxBytes = 64 * 1024;

    /// <summary>The options of our own type: where the configuration lies; null for another type.</summary>
    internal static RuntimeOptions? Own(Any? options) => TypeName(options) == OwnOptions ? Read(RuntimeOptions.Parser, options!) : null;

    /// <summary>The options as they are written for runc's shim; null where there are none.</summary>
    /// <exception cref="SandboxException">Options of a kind that is not known, or that cannot be honoured.</exception>
    internal static RuncOptions? Runc(Any? options)
    {
        string? type = TypeName(options);
        if (type is null or OwnOptions)
        {
            return null;
        }

        if (type != RuncOptionsType)
        {
            throw new SandboxException($"runtime options of type {type}: expected {OwnOptions} or {RuncOptionsType}; see runtimes.*.options in containerd's configuration");
        }

        RuncOptions runc = Read(RuncOptions.Parser, options!);
        return runc.BinaryName.Length == 0
            ? runc
            : throw new SandboxException($"runtime options: BinaryName: {runc.BinaryName}: this shim runs containers by itself and calls no other runtime; leave it out, or use io.containerd.runc.v2");
    }

    /// <summary>The flags of <c>checkpoint</c> that the options of one checkpoint mean.</summary>
    /// <exception cref="SandboxException">Options of a kind that is not known.</exception>
    internal static List<string> ForCheckpoint(Any? options, string defaultWorkPath)
    {
        RuncCheckpointOptions asked = TypeName(options) switch
        {
            null => new RuncCheckpointOptions(),
            CheckpointOptionsType => Read(RuncCheckpointOptions.Parser, options!),
            string other => throw new SandboxException($"checkpoint options of type {other}: expected {CheckpointOptionsType}"),
        };
        var flags = new List<string>();
        Add(flags, "--leave-running", !asked.Exit);
        Add(flags, "--tcp-established", asked.OpenTcp);
        Add(flags, "--ext-unix-sk", asked.ExternalUnixSockets);
        Add(flags, "--shell-job", asked.Terminal);
        Add(flags, "--file-locks", asked.FileLocks);
        Add(flags, "--manage-cgroups-mode", asked.CgroupsMode);
        Add(flags, "--work-path", asked.WorkPath.Length > 0 ? asked.WorkPath : defaultWorkPath);
        foreach (string kind in asked.EmptyNamespaces)
        {
            Add(flags, "--empty-ns", kind);
        }

        return flags;
    }

    /// <summary>Keeps the bytes that the action start was given.</summary>
    internal static void Save(string bundle, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 0)
        {
            ShimPlace.WriteOwn(Path.Combine(bundle, File), bytes);
        }
    }

    /// <summary>What the shim of this bundle was started with; null where that was nothing.</summary>
    internal static Any? Load(string bundle)
    {
        string path = Path.Combine(bundle, File);
        return System.IO.File.Exists(path) ? Parse(Linux.SmallFile.Read(path, MaxBytes)) : null;
    }

    /// <summary>The options that containerd hands to the action start on its standard input.</summary>
    /// <exception cref="SandboxException">Something else came.</exception>
    internal static Any? Parse(byte[] bytes)
    {
        try
        {
            return bytes.Length == 0 ? null : Any.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException cause)
        {
            throw new SandboxException($"standard input: these are no options of a runtime: {cause.Message}", cause);
        }
    }

    internal static void Add(List<string> flags, string name, string value)
    {
        if (value.Length > 0)
        {
            flags.AddRange([name, value]);
        }
    }

    internal static void Add(List<string> flags, string name, bool isSet)
    {
        if (isSet)
        {
            flags.Add(name);
        }
    }

    // A type URL is the message's full name, with or without a host before it.
    private static string? TypeName(Any? options) =>
        string.IsNullOrEmpty(options?.TypeUrl) ? null : options.TypeUrl[(options.TypeUrl.LastIndexOf('/') + 1)..];

    private static T Read<T>(MessageParser<T> parser, Any options)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(options.Value);
        }
        catch (InvalidProtocolBufferException cause)
        {
            throw new SandboxException($"runtime options of type {options.TypeUrl} cannot be read: {cause.Message}", cause);
        }
    }
}
