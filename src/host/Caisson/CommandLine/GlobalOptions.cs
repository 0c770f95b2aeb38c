namespace Caisson;

/// <summary>The flags that stand before every command, runc's and Caisson's own.</summary>
internal sealed record GlobalOptions
{
    /// <summary>What is accepted before the command's name.</summary>
    internal static readonly IReadOnlyList<Flag> Flags =
    [
        Flag.Text("root", "DIR", "where the containers' records are (default: /run/caisson; rootless: $XDG_RUNTIME_DIR/caisson)"),
        Flag.Choice("isolation", "KIND", "vm, namespaces or kernel (default: as configured, else vm)", ["vm", "namespaces", "kernel"]),
        Flag.Text("config", "FILE", "read this configuration instead of /etc/caisson/config.json and config.d/*.json"),
        Flag.Text("log", "FILE", "append messages to this file (default: standard error)"),
        Flag.Choice("log-format", "FORMAT", "text or json (default: text)", ["text", "json"]),
        Flag.Switch("debug", "log what is done, step by step"),
        Flag.Switch("systemd-cgroup", "expect cgroupsPath as slice:prefix:name"),
        Flag.Choice("rootless", "WHEN", "ignore cgroup permission errors: true, false or auto (default: auto)", ["true", "false", "auto"]),
        Flag.Text("criu", "FILE", "the criu executable that checkpoints and restores (default: criu in PATH)"),
        Flag.Switch("version", "print the version", 'v'),
    ];

    /// <summary>As given; null where the default holds.</summary>
    internal string? Root { get; private init; }

    internal string? Isolation { get; private init; }

    internal string? Config { get; private init; }

    internal string? LogFile { get; private init; }

    internal bool LogsJson { get; private init; }

    internal bool Debug { get; private init; }

    internal bool SystemdCgroup { get; private init; }

    internal string? Criu { get; private init; }

    /// <summary>true, false, or null for "auto".</summary>
    internal bool? Rootless { get; private init; }

    /// <exception cref="UsageException">A value that is none of those allowed.</exception>
    internal static GlobalOptions From(FlagValues values) => new()
    {
        Root = NotEmpty(values, "root"),
        Isolation = NotEmpty(values, "isolation"),
        Config = NotEmpty(values, "config"),
        LogFile = NotEmpty(values, "log"),
        Debug = values.IsSet("debug"),
        SystemdCgroup = values.IsSet("systemd-cgroup"),
        Criu = NotEmpty(values, "criu"),
        LogsJson = values.Text("log-format") switch
        {
            null or "text" => false,
            "json" => true,
            string other => throw new UsageException($"invalid log-format: {other}"),
        },
        Rootless = values.Text("rootless") switch
        {
            null or "" or "auto" => null,
            "true" => true,
            "false" => false,
            string other => throw new UsageException($"invalid value \"{other}\" for flag -rootless: expected true, false or auto"),
        },
    };

    private static string? NotEmpty(FlagValues values, string name) => values.Text(name) is { Length: > 0 } text ? text : null;
}
