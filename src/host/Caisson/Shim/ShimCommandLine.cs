using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// How containerd calls a shim (its runtime v2 protocol, core/runtime/v2/README.md): flags with one dash, and an action. The last action,
/// <see cref="Serve"/>, is our own: <c>start</c> starts the daemon with it.
/// </summary>
internal sealed record ShimCommandLine
{
    /// <summary>What the executable's name begins with when it is a shim.</summary>
    internal const string NamePrefix = "containerd-shim-caisson";

    internal const string Start = "start";
    internal const string Delete = "delete";
    internal const string Serve = "serve";

    private const string NameSuffix = "-v2";

    /// <summary>The name that it was called by: <c>containerd-shim-caisson-v2</c>, or with an isolation before <c>-v2</c>.</summary>
    internal required string Name { get; init; }

    /// <summary>containerd's namespace: containers of two namespaces may have the same id.</summary>
    internal string Namespace { get; init; } = "";

    internal string Id { get; init; } = "";

    /// <summary>containerd's own socket.</summary>
    internal string Address { get; init; } = "";

    /// <summary>The bundle; empty means the working directory.</summary>
    internal string Bundle { get; init; } = "";

    internal bool Debug { get; init; }

    internal string Action { get; init; } = "";

    /// <summary>The isolation that the name asks for, or null: then configuration and annotation decide.</summary>
    /// <exception cref="SandboxException">The name holds an isolation that is none.</exception>
    internal string? Isolation
    {
        get
        {
            string middle = Name[NamePrefix.Length..^NameSuffix.Length];
            return middle.Length == 0 ? null
                : IsolationName.TryParse(middle[1..], out _) ? middle[1..]
                : throw new SandboxException($"{Name}: unknown isolation \"{middle[1..]}\": expected {NamePrefix}[-ISOLATION]{NameSuffix} with {IsolationName.All}");
        }
    }

    internal static bool IsShim(string programName) =>
        Path.GetFileName(programName) is { } name && name.StartsWith(NamePrefix, StringComparison.Ordinal) && name.EndsWith(NameSuffix, StringComparison.Ordinal);

    /// <exception cref="UsageException">A flag or an action that is not known.</exception>
    internal static ShimCommandLine Parse(string programName, ReadOnlySpan<string> words)
    {
        var line = new ShimCommandLine { Name = Path.GetFileName(programName) };
        for (int i = 0; i < words.Length; i++)
        {
            if (!words[i].StartsWith('-'))
            {
                line = line with { Action = words[i] };
                continue;
            }

            string flag = words[i].TrimStart('-');
            int equals = flag.IndexOf('=');
            string name = equals < 0 ? flag : flag[..equals];
            if (name is "debug" or "v" or "info")
            {
                line = name == "debug" ? line with { Debug = true } : line with { Action = name };
                continue;
            }

            string value = equals >= 0 ? flag[(equals + 1)..]
                : ++i < words.Length ? words[i] : throw new UsageException($"{line.Name}: -{name} needs a value");
            line = name switch
            {
                "namespace" => line with { Namespace = value },
                "id" => line with { Id = value },
                "address" => line with { Address = value },
                "bundle" => line with { Bundle = value },
                // How events were sent before containerd had TTRPC_ADDRESS; and a socket that the shim is to choose by itself.
                "publish-binary" or "socket" => line,
                _ => throw new UsageException($"{line.Name}: unknown flag -{name}"),
            };
        }

        return line;
    }
}
