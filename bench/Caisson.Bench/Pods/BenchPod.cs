using Caisson.Harness;
using Caisson.IntegrationTests.Containerd;
using Caisson.IntegrationTests.Cri;

namespace Caisson.Bench;

/// <summary>A pod of one runtime, as kubelet makes and removes it.</summary>
internal sealed class BenchPod : IDisposable
{
    private const string Ready = "ready";

    private readonly CriClient _client;
    private readonly PodConfig _config;
    private string? _id;

    internal BenchPod(BenchContainerd containerd, string what)
    {
        _client = containerd.Client;
        _config = containerd.NewPod(containerd.NewId(what));
        Handler = what;
    }

    /// <summary>The runtime's name in containerd's configuration.</summary>
    internal string Handler { get; }

    internal string Id => _id ?? throw new BenchException("the pod does not run");

    internal void Run() => _id = _client.RunPod(_config, Handler);

    /// <summary>Creates a container that ends as soon as it is asked to, once it is ready.</summary>
    internal string Create(string name) => _client.CreateContainer(Id, Configure(name), _config);

    /// <summary>Waits until a container would hear a signal: the first process of a pid namespace gets none that it has no trap for.</summary>
    internal void WaitForReadiness(string name) =>
        Deadline.Wait("the container's word", () => File.ReadAllText(Path.Combine(_config.LogDirectory, LogOf(name))).Contains(Ready, StringComparison.Ordinal));

    internal void Stop() => _client.StopPod(Id);

    internal void Remove()
    {
        _client.RemovePod(Id);
        _id = null;
    }

    /// <summary>Whatever is still there goes.</summary>
    public void Dispose()
    {
        if (_id is not null)
        {
            Stop();
            Remove();
        }
    }

    private static string LogOf(string name) => $"{name}.log";

    private ContainerConfig Configure(string name) => new()
    {
        Metadata = new ContainerMetadata { Name = name },
        Image = new Image { Image_ = ContainerdDaemon.Image },
        // A shell's wait is ended by a trap at once; its child goes with the container.
        Command = { "/bin/sh", "-c", $"trap 'exit 0' TERM; sleep 100000 & echo {Ready}; wait" },
        LogPath = LogOf(name),
        Linux = new LinuxContainer
        {
            Resources = new Resources { CpuShares = 2 },
            Security = new ContainerSecurity { Namespaces = _config.Linux.Security.Namespaces },
        },
    };
}
