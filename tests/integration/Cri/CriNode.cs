using Caisson.Harness;
using Caisson.IntegrationTests.Containerd;

namespace Caisson.IntegrationTests.Cri;

/// <summary>
/// What kubelet has on a node: containerd with its CRI plugin, a bridge network by CNI, and images. The pods' network is that of
/// containerd's own namespace; nothing of it is seen on the host.
/// </summary>
internal sealed class CriNode
{
    internal const string Bridge = "pods0";

    private const string KubernetesNamespace = "k8s.io";
    private const string PauseImage = "test.local/pause:1";

    private readonly Workplace _place;
    private readonly string _directory;
    private readonly List<CriPod> _pods = [];       // under its own lock
    private readonly IDisposable _reaper = Orphans.KeepReaping();

    private CriNode(Workplace place, string extraPlugin)
    {
        _place = place;
        _directory = Path.Combine(place.Path, "cni");
        WriteNetwork(extraPlugin);
        Containerd = ContainerdDaemon.Start(place, KubernetesNamespace, Configuration);
        Client = new CriClient(Containerd.Address);
    }

    internal ContainerdDaemon Containerd { get; }

    internal CriClient Client { get; }

    /// <summary>The runtime handler, as a RuntimeClass names one, of the test's isolation.</summary>
    internal string Handler => _place.Isolation == Isolation.Vm ? "caisson" : "caisson-namespaces";

    /// <summary>The programs that CNI may call.</summary>
    internal static string Plugins(Workplace place) => Path.Combine(place.Path, "cni", "bin");

    /// <summary>Starts a node.</summary>
    /// <param name="place">The test's place.</param>
    /// <param name="extraPlugin">A program in <see cref="Plugins"/> that CNI calls after the bridge's.</param>
    internal static CriNode Start(Workplace place, string extraPlugin = "")
    {
        var node = new CriNode(place, extraPlugin);
        try
        {
            string archive = Path.Combine(place.Path, "pause.tar");
            ImageLayout.Write(place.Bundle.RootFs, PauseImage, archive, "/bin/sleep", "100000");
            node.Containerd.Run("images", "import", archive).Expect();
            // The plugin hears of an image by an event.
            Deadline.Wait("the images and the network", () => node.Client.IsReady() && node.Client.HasImage(PauseImage) && node.Client.HasImage(ContainerdDaemon.Image));
            return node;
        }
        catch
        {
            node.Finish(failed: true);
            throw;
        }
    }

    /// <summary>Starts a pod of the test's isolation.</summary>
    internal CriPod RunPod(string name, Action<PodConfig>? change = null)
    {
        PodConfig config = CriPod.Configure(_place, name);
        change?.Invoke(config);
        var pod = new CriPod(this, config, Client.RunPod(config, Handler));
        lock (_pods)
        {
            _pods.Add(pod);
        }

        return pod;
    }

    /// <summary>The links of containerd's network namespace, beside loopback and the bridge: the pods' ends.</summary>
    internal string[] PodLinks() =>
    [
        .. Containerd.RunInside("busybox", "ip", "-o", "link").Expect().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(": ")[1]).Where(name => name is not ("lo" or Bridge)),
    ];

    /// <summary>The addresses that the network has given out.</summary>
    internal string[] Leases() => Directory.Exists(LeaseDirectory)
        ? [.. Directory.GetFiles(LeaseDirectory).Select(Path.GetFileName).OfType<string>().Where(name => char.IsAsciiDigit(name[0]))]
        : [];

    internal string[] NetworkNamespaces() => Directory.Exists(NamespaceDirectory) ? Directory.GetFiles(NamespaceDirectory) : [];

    /// <summary>
    /// Nothing of pods is there any more: neither what containerd knows, nor shims, links, addresses and namespaces. Waited for: containerd cleans up
    /// after a shim beside everything else that it does.
    /// </summary>
    internal void RequireEmpty()
    {
        List<string> left = [];
        Deadline.Wait("nothing is left of pods", () => (left = Left()).Count == 0, () => string.Join(", ", left));
    }

    /// <summary>Ends the node, after a look for what pods have left.</summary>
    internal void Finish(bool failed)
    {
        try
        {
            if (failed)
            {
                TestContext.Current.TestOutputHelper?.WriteLine(Containerd.Complaints());
                _pods.ForEach(pod => pod.TryRemove());
            }
            else
            {
                RequireEmpty();
            }
        }
        finally
        {
            Client.Dispose();
            Containerd.Finish(failed);
            _reaper.Dispose();
        }
    }

    private List<string> Left() =>
    [
        .. Client.Pods().Select(pod => $"pod {pod.Id}"),
        .. Lines("task", Containerd.Run("tasks", "list", "--quiet").Expect()),
        .. Lines("container", Containerd.Run("containers", "list", "--quiet").Expect()),
        .. Containerd.ShimProcesses().Select(pid => ProcessTable.Describe(pid)),
        .. Containerd.HasRecords ? (string[])["records"] : [],
        .. PodLinks().Select(link => $"link {link}"),
        .. Leases().Select(address => $"address {address}"),
        .. NetworkNamespaces().Select(path => $"network namespace {path}"),
    ];

    private static IEnumerable<string> Lines(string kind, string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"{kind} {line}");

    private string LeaseDirectory => Path.Combine(_directory, "leases", _place.Name);

    private string NamespaceDirectory => Path.Combine(_place.Path, "containerd/state/io.containerd.grpc.v1.cri/netns");

    // Without CAP_SYS_RESOURCE nobody may lower a score for the kernel's choice of victims, as kubelet's pause container asks.
    private string Configuration => $"""
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{PauseImage}"
          restrict_oom_score_adj = true
          netns_mounts_under_state_dir = true
          disable_apparmor = true
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{Plugins(_place)}"
            conf_dir = "{_directory}/conf"
          [plugins."io.containerd.grpc.v1.cri".containerd]
            default_runtime_name = "caisson-namespaces"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.caisson-namespaces]
            runtime_type = "{ContainerdDaemon.RuntimeOf(Isolation.Namespaces)}"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.caisson]
            runtime_type = "{ContainerdDaemon.RuntimeOf(Isolation.Vm)}"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "{ContainerdDaemon.RuncRuntime}"
        """;

    private void WriteNetwork(string extraPlugin)
    {
        Directory.CreateDirectory(Path.Combine(_directory, "conf"));
        Directory.CreateDirectory(Plugins(_place));
        foreach (string plugin in (string[])["bridge", "host-local", "loopback"])
        {
            File.CreateSymbolicLink(Path.Combine(Plugins(_place), plugin), $"/usr/lib/cni/{plugin}");
        }

        string more = extraPlugin.Length == 0 ? "" : $$""", {"type": "{{extraPlugin}}"}""";
        File.WriteAllText(Path.Combine(_directory, "conf", "10-pods.conflist"), $$"""
            {
              "cniVersion": "0.4.0", "name": "{{_place.Name}}", "plugins": [
                {
                  "type": "bridge", "bridge": "{{Bridge}}", "isGateway": true,
                  "ipam": {
                    "type": "host-local", "dataDir": "{{_directory}}/leases", "ranges": [[{"subnet": "10.77.0.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}]
                  }
                }{{more}}
              ]
            }
            """);
    }
}
