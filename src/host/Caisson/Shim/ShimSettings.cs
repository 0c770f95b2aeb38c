using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>
/// What a shim's commands have in common: where records lie, which isolation, which configuration. Options come from containerd's
/// configuration with the first container; they lie in the bundle for the <c>delete</c> action, which gets none.
/// </summary>
internal sealed record ShimSettings
{
    private const string SystemdCgroup = "--systemd-cgroup";
    private const string File = "caisson-shim.args";
    private const string OwnOptions = "runtimeoptions.v1.Options";
    private const string RuncOptionsType = "containerd.runc.v1.Options";
    private const uint OwnerMayReadWrite = 0x180; // 0600

    /// <summary>The flags before every command.</summary>
    internal required IReadOnlyList<string> Globals { get; init; }

    /// <summary>The flags of <c>create</c>.</summary>
    internal IReadOnlyList<string> CreateFlags { get; init; } = [];

    internal bool IsSystemdCgroup
    {
        get
        {
            foreach (string flag in Globals)
            {
                if (flag == SystemdCgroup)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Settings from the name that the shim was called by, and from the options of a container.</summary>
    /// <exception cref="SandboxException">Options of a kind that is not known.</exception>
    internal static ShimSettings From(ShimCommandLine line, Any? options)
    {
        var globals = new List<string> { "--root", ShimPlace.Root(line.Namespace) };
        var create = new List<string>();
        if (line.Isolation is { } isolation)
        {
            globals.AddRange(["--isolation", isolation]);
        }

        if (line.Debug)
        {
            globals.Add("--debug");
        }

        switch (TypeName(options))
        {
            case null:
                break;
            case OwnOptions:
                Add(globals, "--config", Read(RuntimeOptions.Parser, options!).ConfigPath);
                break;
            case RuncOptionsType:
                RuncOptions runc = Read(RuncOptions.Parser, options!);
                Add(globals, SystemdCgroup, runc.SystemdCgroup);
                Add(create, "--no-pivot", runc.NoPivotRoot);
                Add(create, "--no-new-keyring", runc.NoNewKeyring);
                if (runc.Root.Length > 0)
                {
                    globals[1] = Path.Combine(runc.Root, line.Namespace);
                }

                break;
            case string other:
                throw new SandboxException($"runtime options of type {other}: expected {OwnOptions} or {RuncOptionsType}; see runtimes.*.options in containerd's configuration");
        }

        return new ShimSettings { Globals = globals, CreateFlags = create };
    }

    /// <summary>Keeps the flags in a bundle.</summary>
    internal void Save(string bundle)
    {
        using FileFd file = FileCalls.Open(Path.Combine(bundle, File), OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, OwnerMayReadWrite);
        file.WriteAll(string.Join('\n', Globals));
    }

    /// <summary>The settings of a bundle whose container a shim has begun to create; without any, those of the name.</summary>
    internal static ShimSettings Load(ShimCommandLine line, string bundle) =>
        SmallFile.TryReadText(Path.Combine(bundle, File), out string text, out _) && text.Length > 0
            ? new ShimSettings { Globals = text.Split('\n') }
            : From(line, null);

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

    private static void Add(List<string> flags, string name, string value)
    {
        if (value.Length > 0)
        {
            flags.AddRange([name, value]);
        }
    }

    private static void Add(List<string> flags, string name, bool isSet)
    {
        if (isSet)
        {
            flags.Add(name);
        }
    }
}
