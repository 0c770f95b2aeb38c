using Caisson.Linux;
using Caisson.Sandboxes;
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

    /// <summary>The flags before every command.</summary>
    internal required IReadOnlyList<string> Globals { get; init; }

    /// <summary>The flags of <c>create</c>.</summary>
    internal IReadOnlyList<string> CreateFlags { get; init; } = [];

    internal IoOwner? IoOwner { get; init; }

    /// <summary>Where CRIU works, unless a checkpoint says otherwise; empty for beside the images.</summary>
    internal string CriuWorkPath { get; init; } = "";

    /// <summary>What of the options means nothing here.</summary>
    internal string? Warning { get; init; }

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

        ShimOptions.Add(globals, "--config", ShimOptions.Own(options)?.ConfigPath ?? "");
        if (ShimOptions.Runc(options) is not { } runc)
        {
            return new ShimSettings { Globals = globals };
        }

        ShimOptions.Add(globals, SystemdCgroup, runc.SystemdCgroup);
        ShimOptions.Add(create, "--no-pivot", runc.NoPivotRoot);
        ShimOptions.Add(create, "--no-new-keyring", runc.NoNewKeyring);
        if (runc.Root.Length > 0)
        {
            globals[1] = Path.Combine(runc.Root, line.Namespace);
        }

        return new ShimSettings
        {
            Globals = globals,
            CreateFlags = create,
            IoOwner = runc.IoUid != 0 || runc.IoGid != 0 ? new IoOwner(runc.IoUid, runc.IoGid) : null,
            CriuWorkPath = runc.CriuWorkPath,
            Warning = runc.CriuPath.Length > 0 ? $"runtime options: CriuPath: {runc.CriuPath}: is ignored, as by runc: criu is looked for in PATH" : null,
        };
    }

    /// <summary>Keeps the flags in a bundle.</summary>
    internal void Save(string bundle) =>
        ShimPlace.WriteOwn(Path.Combine(bundle, File), System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Globals)));

    /// <summary>The settings of a bundle whose container a shim has begun to create; without any, those of the name.</summary>
    internal static ShimSettings Load(ShimCommandLine line, string bundle) =>
        SmallFile.TryReadText(Path.Combine(bundle, File), out string text, out _) && text.Length > 0
            ? new ShimSettings { Globals = text.Split('\n') }
            : From(line, null);
}

/// <summary>Whom the pipes and fifos of a process's streams are to belong to.</summary>
internal readonly record struct IoOwner(uint UserId, uint GroupId);
