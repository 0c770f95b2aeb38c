using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// <c>do</c>: a command on the host's own root file system, sandboxed. It makes a bundle (a copy-on-write view of the host and a
/// configuration) and runs it like any other, so that every isolation serves it.
/// </summary>
internal sealed class DoCommand : Command
{
    private const string IdPrefix = "do-";

    // What shells give: not found, and found but not executable.
    private const int NotFound = 127;
    private const int NotExecutable = 126;

    internal override string Name => "do";

    internal override string Summary => "run a command on this root file system, sandboxed";

    internal override string Usage => "[options] [--] COMMAND [ARGUMENTS...]";

    internal override string Description =>
        """
        The command sees the host's files but changes only a throw-away copy in memory; it has no network, and
        /proc, /sys, /dev, /tmp and /run of its own. It runs as the calling user, without privileges.
        Files that only root can read are hidden from it: called by root, it is root in a user namespace, so the
        files of the host's root are somebody else's, to be read by the permissions for others. With --all-files
        it is the host's root as far as files go; what it writes is still thrown away.
        Exits with the command's code, 127 if it was not found, 126 if it cannot be executed.
        """;

    internal override IReadOnlyList<Flag> Flags =>
    [
        Flag.Switch("ro", "nothing can be written but /dev, /tmp and /run"),
        Flag.Text("user", "USER", "run as this user: a name, or UID[:GID]", 'u'),
        Flag.Switch("all-files", "show files that only root can read"),
        Flag.Text("size", "BYTES", "how much may be written (default: a quarter of the memory)"),
    ];

    internal override int MostArguments => int.MaxValue;

    internal override bool StopsAtFirstArgument => true;

    internal override bool EntersContainer => true;

    internal override bool PassesSignals(FlagValues flags) => true;

    internal override int Run(Invocation invocation)
    {
        if (UserIds.EffectiveUser != 0)
        {
            throw new SandboxException("do: only root can prepare the view of the host's files; run it by sudo with --user $USER");
        }

        var runtime = new Runtime(invocation);
        string id = IdPrefix + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()[..6]);
        DoIdentity identity = DoIdentity.Decide(invocation.Flags.Text("user"), invocation.Flags.IsSet("all-files"));
        OciSpec spec = DoSpec.Build(invocation, identity, runtime.Select(null).Isolation);
        var order = new CreateOrder
        {
            Id = id,
            Bundle = Environment.CurrentDirectory,
            Spec = spec,
            RecordDirectory = "",
            BootId = BootId.Read(),
            Commit = static _ => { },
            Warn = invocation.Log.Warning,
        };
        DoLeftovers.Sweep(runtime, IdPrefix, order.BootId);
        using Creation creation = Creation.Claim(runtime, order, SpecWriter.Write(spec));
        try
        {
            using HostView view = HostView.Build(creation.Order.RecordDirectory, creation.Journal, DoSpec.Size(invocation), invocation.Flags.IsSet("ro"));
            using MountFd root = view.Open();
            creation.Order = creation.Order with { Spec = spec with { Root = spec.Root! with { Path = view.Root } }, Rootfs = root };
            return new ForegroundRun(runtime, creation) { BeforeDelete = view.Dispose }.Go();
        }
        catch (Exception cause) when (ExitCode(cause) is { } code)
        {
            invocation.Log.Error("do: " + cause.Message);
            return code;
        }
    }

    // By the words, which are the same from every isolation. Only those about looking for the program and executing it: a mount may lack
    // a file as well. A search of PATH that met directories it could not read has not found the program, whatever the last errno says.
    private static int? ExitCode(Exception cause)
    {
        string said = cause is ContainerException or SandboxException ? cause.Message : "";
        if (!said.Contains("exec: \"", StringComparison.Ordinal))
        {
            return null;
        }

        return said.Contains("executable file not found", StringComparison.Ordinal) || said.Contains("no such file or directory", StringComparison.Ordinal)
            ? NotFound
            : NotExecutable;
    }
}
