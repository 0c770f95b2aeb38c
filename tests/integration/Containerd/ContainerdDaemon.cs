using Caisson.Harness;
using Caisson.Linux;

namespace Caisson.IntegrationTests.Containerd;

/// <summary>
/// A containerd of a test's own: its root, state and sockets below the test's place, in mount and network namespaces of its own. It finds
/// the shims through its PATH.
/// </summary>
internal sealed class ContainerdDaemon
{
    internal const string Image = "test.local/busybox:1";

    private const string ShimDirectory = "/run/caisson/shims";

    private readonly Workplace _place;
    private readonly string _directory;
    private readonly string[] _filesBefore = ShimFiles();
    private RunningCommand _daemon;

    private ContainerdDaemon(Workplace place)
    {
        _place = place;
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
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
            [grpc]
              address = "{Address}"
            [ttrpc]
              address = "{Address}.ttrpc"
            """);
        _daemon = Launch();
    }

    internal string Address => Path.Combine(_directory, "c.sock");

    /// <summary>Starts one, and gives it an image.</summary>
    internal static ContainerdDaemon Start(Workplace place)
    {
        var containerd = new ContainerdDaemon(place);
        try
        {
            string archive = Path.Combine(place.Path, "image.tar");
            ImageLayout.Write(place.Bundle.RootFs, Image, archive);
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

    /// <summary>What stands before each of ctr's commands. The test's name is the namespace, so that records do not meet.</summary>
    internal string[] Globals => ["--address", Address, "--namespace", _place.Name];

    /// <summary>The flags of <c>run</c>.</summary>
    internal string[] RunFlags => ["--runtime", RuntimeOf(_place.Isolation)];

    /// <summary>Whether a record of the test's containers is there.</summary>
    internal bool HasRecords => Directory.Exists(Records) && Directory.EnumerateFileSystemEntries(Records).Any();

    private string Records => $"/run/containerd/caisson/{_place.Name}";

    /// <summary>The process of the test's only shim.</summary>
    internal static int Shim() => MachineProcesses.Find("containerd-shim-caisson");

    /// <summary>Ends containerd, and starts it again on what it left.</summary>
    internal void Restart()
    {
        Stop();
        _daemon = Launch();
    }

    /// <summary>Ends it, and looks for what shims have left in places of their own.</summary>
    /// <param name="failed">The test has failed already: only clear away.</param>
    internal void Finish(bool failed)
    {
        Stop();
        if (!failed && HasRecords)
        {
            throw new HarnessException($"left behind: a record in {Records}");
        }

        if (Directory.Exists(Records))
        {
            Directory.Delete(Records, recursive: true);
        }

        // containerd puts containers below a cgroup with its namespace's name, which no runtime takes away.
        foreach (string hierarchy in Directory.EnumerateDirectories("/sys/fs/cgroup"))
        {
            FileCalls.TryRemove(Path.Combine(hierarchy, _place.Name), isDirectory: true, out _);
        }

        string[] files = [.. ShimFiles().Where(file => !_filesBefore.Contains(file))];
        Array.ForEach(files, File.Delete);
        if (!failed && files.Length > 0)
        {
            throw new HarnessException($"left behind: {string.Join(", ", files)}");
        }
    }

    private static string[] ShimFiles() => Directory.Exists(ShimDirectory) ? Directory.GetFiles(ShimDirectory) : [];

    private RunningCommand Launch()
    {
        RunningCommand daemon = RunningCommand.Start(
            "unshare",
            ["--mount", "--net", "--propagation", "private", "containerd", "--config", Path.Combine(_directory, "config.toml")],
            start => start.Environment["PATH"] = $"{_directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        daemon.CloseInput();
        Deadline.Wait("containerd answers", () => Run("version").ExitCode == 0, () => daemon.Error.Text);
        return daemon;
    }

    private void Stop()
    {
        _daemon.Send(Signal.SIGTERM);
        _daemon.WaitForExit();
        _daemon.Dispose();
    }
}
