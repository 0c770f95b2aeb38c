using System.Globalization;
using Caisson.Protocol.Criu;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The flags that <c>checkpoint</c> and <c>restore</c> share, with runc's names and defaults.</summary>
internal static class CheckpointFlags
{
    private const string DefaultDirectory = "checkpoint";
    private const uint NetworkNamespace = 0x40000000; // CLONE_NEWNET

    internal static readonly Flag[] Shared =
    [
        Flag.Text("image-path", "DIR", "the directory of the images (default: ./checkpoint)"),
        Flag.Text("work-path", "DIR", "where CRIU writes its log and temporary files (default: the images' directory)"),
        Flag.Switch("tcp-established", "allow open TCP connections"),
        Flag.Switch("ext-unix-sk", "allow connections of unix sockets to the outside"),
        Flag.Switch("shell-job", "allow a terminal of the outside"),
        Flag.Switch("lazy-pages", "leave memory where it is until it is needed (userfaultfd)"),
        Flag.Switch("file-locks", "handle file locks"),
        Flag.Text("manage-cgroups-mode", "MODE", "what CRIU does about cgroups: soft, full, strict or ignore (default: soft)"),
        Flag.List("empty-ns", "KIND", "a namespace whose content is left out: network"),
        Flag.Switch("auto-dedup", "free memory in images that a later image holds too"),
    ];

    /// <exception cref="SandboxException">A value that is none of those allowed.</exception>
    internal static CheckpointOrder Read(Invocation invocation)
    {
        FlagValues flags = invocation.Flags;
        return new CheckpointOrder
        {
            ImagePath = Path.GetFullPath(flags.Text("image-path") is { Length: > 0 } images ? images : DefaultDirectory),
            WorkPath = flags.Text("work-path") is { Length: > 0 } work ? Path.GetFullPath(work) : null,
            Criu = invocation.Globals.Criu,
            TcpEstablished = flags.IsSet("tcp-established"),
            ExternalUnixSockets = flags.IsSet("ext-unix-sk"),
            ShellJob = flags.IsSet("shell-job"),
            LazyPages = flags.IsSet("lazy-pages"),
            FileLocks = flags.IsSet("file-locks"),
            AutoDedup = flags.IsSet("auto-dedup"),
            CgroupMode = ModeOf(flags.Text("manage-cgroups-mode")),
            EmptyNamespaces = EmptyOf(flags),
        };
    }

    /// <summary>ADDRESS:PORT.</summary>
    internal static PageServerPlace? ServerOf(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? new PageServerPlace(text[..colon].Trim('[', ']'), port)
            : throw new SandboxException("Use --page-server ADDRESS:PORT to specify page server");
    }

    /// <exception cref="SandboxException">The container's isolation can do neither.</exception>
    internal static ICheckpoints Require(IContainerBackend backend, string command) => backend as ICheckpoints
        ?? throw new SandboxException(
            $"{command}: isolation {IsolationName.Of(backend.Isolation)} cannot do this yet: a machine's state is not saved; use --isolation namespaces for containers that are to be checkpointed");

    private static CgroupMode ModeOf(string? text) => text switch
    {
        null or "" or "soft" => CgroupMode.Soft,
        "full" => CgroupMode.Full,
        "strict" => CgroupMode.Strict,
        "ignore" => CgroupMode.Ignore,
        _ => throw new SandboxException($"Invalid manage-cgroups-mode value: {text}: expected soft, full, strict or ignore"),
    };

    private static uint EmptyOf(FlagValues flags)
    {
        uint empty = 0;
        foreach (string kind in flags.List("empty-ns"))
        {
            empty |= kind == "network" ? NetworkNamespace : throw new SandboxException($"namespace {kind} is not supported in --empty-ns: only network is");
        }

        return empty;
    }
}
