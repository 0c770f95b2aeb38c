using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>
/// A containerd of a test's own: its root, state and sockets below the test's place, in mount and network namespaces of its own, which
/// outlive its restarts as a host's do. It finds the shims through its PATH.
/// </summary>
internal sealed class ContainerdDaemon
{
    internal const string Image = "test.local/busybox:1";

    /// <summary>containerd's own shim, to be compared with.</summary>
    internal const string RuncRuntime = "io.containerd.runc.v2";

    private const string ShimDirectory = "/run/caisson/shims";

    private static readonly TimeSpan s_filePatience = TimeSpan.FromSeconds(30);

    private readonly Workplace _place;
    private readonly string _directory;
    private readonly string[] _filesBefore = ShimFiles();
    private readonly RunningCommand _namespaces;
    private RunningCommand? _daemon;        // null while it is away

    private ContainerdDaemon(Workplace place, string? containerdNamespace, string? cri)
    {
        _place = place;
        Namespace = containerdNamespace ?? place.Name;
        _directory = Path.Combine(place.Path, "containerd");
        Directory.CreateDirectory(Path.Combine(_directory, "bin"));
        foreach (string name in (string[])["containerd-shim-caisson-v2", "containerd-shim-caisson-namespaces-v2"])
        {
            File.CreateSymbolicLink(Path.Combine(_directory, "bin", name), Executable.Path);
        }

        File.WriteAllText(Path.Combine(_directory, "config.toml"), $"""
            version = 2
            root = "{_directory}/root"
            state = "{_directory}/state"
            disabled_plugins = [{(cri is null ? "\"io.containerd.grpc.v1.cri\", " : "")}"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
            [grpc]
              address = "{Address}"
            [ttrpc]
              address = "{Address}.ttrpc"
            {cri}
            """);
        _namespaces = HoldNamespaces();
        _daemon = Launch();
    }

    /// <summary>containerd's own name for a part of its containers: the test's, so that records do not meet.</summary>
    internal string Namespace { get; }

    internal string Address => Path.Combine(_directory, "c.sock");

    /// <summary>Starts one, and gives it an image.</summary>
    /// <param name="place">The test's place.</param>
    /// <param name="containerdNamespace">Where the image and the containers are, if not in one of the test's name.</param>
    /// <param name="cri">The configuration of the CRI plugin, which is off without one.</param>
    internal static ContainerdDaemon Start(Workplace place, string? containerdNamespace = null, string? cri = null)
    {
        var containerd = new ContainerdDaemon(place, containerdNamespace, cri);
        try
        {
            string archive = Path.Combine(place.Path, "image.tar");
            ImageLayout.Write(place.Bundle.RootFs, Image, archive, "/bin/sh");
            containerd.Run("images", "import", archive).Expect();
            return containerd;
        }
        catch
        {
            containerd.Finish(failed: true);
            throw;
        }
    }

    /// <summary>The runtime's name for an isolation.</summary>
    internal static string RuntimeOf(Isolation isolation) =>
        isolation == Isolation.Vm ? "io.containerd.caisson.v2" : "io.containerd.caisson-namespaces.v2";

    /// <summary>Runs ctr to its end.</summary>
    internal CommandResult Run(params string[] arguments) => Begin(arguments).CloseInput().Wait();

    /// <summary>Starts ctr; its input is open.</summary>
    internal RunningCommand Begin(params string[] arguments) => RunningCommand.Start("ctr", [.. Globals, .. arguments]);

    /// <summary>Runs a program where containerd is, to its end.</summary>
    internal CommandResult RunInside(params string[] words) => RunningCommand.Start("nsenter", [.. Entering, .. words]).CloseInput().Wait();

    /// <summary>A process in containerd's namespaces.</summary>
    internal int NamespacesPid => _namespaces.Pid;

    /// <summary>What stands before each of ctr's commands.</summary>
    internal string[] Globals => ["--address", Address, "--namespace", Namespace];

    /// <summary>The flags of <c>run</c>.</summary>
    internal string[] RunFlags => ["--runtime", RuntimeOf(_place.Isolation)];

    /// <summary>Whether a record of the test's containers is there.</summary>
    internal bool HasRecords => RecordDirectories().Length > 0;

    /// <summary>The --root of the containers here.</summary>
    internal string Records => $"/run/containerd/caisson/{Namespace}";

    private string[] Entering => ["--target", $"{_namespaces.Pid}", "--mount", "--net"];

    /// <summary>The process of the test's only shim.</summary>
    internal static int Shim() => MachineProcesses.Find("containerd-shim-caisson");

    /// <summary>Every shim, and whatever containerd has started by a shim's name.</summary>
    internal IReadOnlyList<int> ShimProcesses() =>
    [
        .. ProcessTable.Descendants(ProcessTable.Read()).Where(process => !process.IsZombie).Select(process => process.Pid).Where(pid =>
            ProcessTable.CommandLine(pid) is { } line
            && (line.StartsWith("containerd-shim-caisson", StringComparison.Ordinal) || line.StartsWith($"{_directory}/bin/", StringComparison.Ordinal))),
    ];

    /// <summary>Ends containerd, and starts it again on what it left.</summary>
    /// <param name="meanwhile">What happens while it is away.</param>
    internal void Restart(Action? meanwhile = null)
    {
        Stop();
        meanwhile?.Invoke();
        _daemon = Launch();
    }

    /// <summary>Kills containerd in the middle of whatever it does, and starts it again.</summary>
    internal void KillAndStart()
    {
        Stop(Signal.SIGKILL);
        _daemon = Launch();
    }

    /// <summary>What it has logged of warnings and errors since it was started last; shims' messages are among them.</summary>
    internal string Complaints() =>
        string.Join('\n', (_daemon?.Error.Text ?? "").Split('\n').Where(line => line.Contains("level=warn", StringComparison.Ordinal) || line.Contains("level=error", StringComparison.Ordinal)));

    /// <summary>Ends it, and looks for what shims have left in places of their own.</summary>
    /// <param name="failed">The test has failed already: only clear away.</param>
    internal void Finish(bool failed)
    {
        Stop();
        _namespaces.KillAndWait();
        _namespaces.Dispose();
        string[] records = RecordDirectories();
        Array.ForEach(records, record => Directory.Delete(record, recursive: true));
        if (Directory.Exists(Records) && !Directory.EnumerateFileSystemEntries(Records).Any())
        {
            Directory.Delete(Records);
        }

        if (!failed && records.Length > 0)
        {
            throw new HarnessException($"left behind: {string.Join(", ", records)}");
        }

        // containerd puts containers below a cgroup with its namespace's name, which no runtime takes away.
        foreach (string hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup"))
        {
            FileCalls.TryRemove(Path.Combine(hierarchy, _place.Name), isDirectory: true, out _);
        }

        // What another run's shim is about to take away, or what goes with containerd's last clean-up, is not left behind.
        string[] files = [];
        Deadline.TryWait(() => (files = ForgottenFiles()).Length == 0, failed ? TimeSpan.Zero : s_filePatience);
        Array.ForEach(files, File.Delete);
        if (!failed && files.Length > 0)
        {
            throw new HarnessException($"left behind: {string.Join(", ", files)}");
        }
    }

    // A namespace of containerd's may be that of another run too; every record names its bundle or its cgroup, which name the test.
    private string[] RecordDirectories() => Directory.Exists(Records)
        ? [.. Directory.GetDirectories(Records).Where(record => ((string[])["state.json", "journal"]).Any(file =>
            ProcessTable.Text(Path.Combine(record, file)).Contains(_place.Name, StringComparison.Ordinal)))]
        : [];

    // /var/lib is empty there: plugins of CNI keep what they have done in a place of it that cannot be configured.
    private static RunningCommand HoldNamespaces()
    {
        RunningCommand holder = RunningCommand.Start(
            "unshare",
            ["--mount", "--net", "--propagation", "private", "/bin/busybox", "sh", "-c", "busybox ip link set lo up && mount -t tmpfs none /var/lib && echo ready && exec busybox sleep 100000"]);
        holder.CloseInput().WaitForOutput("ready");
        return holder;
    }

    private string[] ForgottenFiles() => [.. ShimFiles().Where(file => !_filesBefore.Contains(file) && !IsInUse(file) && File.Exists(file))];

    private static string[] ShimFiles() => Directory.Exists(ShimDirectory) ? Directory.GetFiles(ShimDirectory) : [];

    // Whatever somebody uses is not left behind: it may be another run's; and a process of ours that lives is found as such.
    private static bool IsInUse(string file)
    {
        if (UnixSocket.TryConnect(file, out UnixSocket? connection, out _))
        {
            connection.Dispose();
            return true;
        }

        return int.TryParse(Path.GetFileName(file).Split('-')[0], out int owner) && Directory.Exists($"/proc/{owner}");
    }

    private RunningCommand Launch()
    {
        RunningCommand daemon = RunningCommand.Start(
            "nsenter",
            [.. Entering, "containerd", "--config", Path.Combine(_directory, "config.toml")],
            start => start.Environment["PATH"] = $"{_directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        daemon.CloseInput();
        Deadline.Wait("containerd answers", () => Run("version").ExitCode == 0, () => daemon.Error.Text);
        return daemon;
    }

    private void Stop(Signal signal = Signal.SIGTERM)
    {
        if (_daemon is { } daemon)
        {
            _daemon = null;
            daemon.Send(signal);
            daemon.WaitForExit();
            daemon.Dispose();
        }
    }
}
