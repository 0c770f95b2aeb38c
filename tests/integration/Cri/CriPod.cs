using System.Text;
using Caisson.Harness;
using Caisson.IntegrationTests.Containerd;

namespace Caisson.IntegrationTests.Cri;

/// <summary>One pod, as kubelet works with it.</summary>
internal sealed class CriPod
{
    private readonly CriNode _node;

    internal CriPod(CriNode node, PodConfig config, string id)
    {
        _node = node;
        Config = config;
        Id = id;
    }

    internal string Id { get; }

    internal PodConfig Config { get; }

    internal string Address => Client.PodStatus(Id).Network.Ip;

    private CriClient Client => _node.Client;

    /// <summary>What kubelet asks for by default: every namespace is the pod's but that of processes.</summary>
    internal static PodConfig Configure(Workplace place, string name)
    {
        string logs = Path.Combine(place.Path, "logs", name);
        Directory.CreateDirectory(logs);
        return new PodConfig
        {
            Metadata = new PodMetadata { Name = name, Namespace = place.Name, Uid = $"{place.Name}-{name}" },
            Hostname = name,
            LogDirectory = logs,
            Linux = new LinuxPod
            {
                // kubelet makes it, and removes it; here the harness does the latter.
                CgroupParent = "/" + place.Name,
                Security = new PodSecurity { Namespaces = new NamespaceOptions { Pid = NamespaceMode.Container } },
            },
        };
    }

    /// <summary>Creates and starts a container that runs a script.</summary>
    internal string Run(string name, string script, Action<ContainerConfig>? change = null)
    {
        string id = Create(name, ["/bin/sh", "-c", script], change);
        Client.StartContainer(id);
        return id;
    }

    internal string Create(string name, string[] command, Action<ContainerConfig>? change = null)
    {
        var config = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = name },
            Image = new Image { Image_ = ContainerdDaemon.Image },
            Command = { command },
            LogPath = $"{name}.log",
            Linux = new LinuxContainer
            {
                Resources = new Resources { CpuShares = 2 },
                Security = new ContainerSecurity { Namespaces = Config.Linux.Security.Namespaces },
            },
        };
        change?.Invoke(config);
        return Client.CreateContainer(Id, config, Config);
    }

    /// <summary>What a command in a container prints; it must succeed.</summary>
    internal string Exec(string container, string script)
    {
        ExecSyncReply reply = Client.Exec(container, timeoutSeconds: 0, "/bin/sh", "-c", script);
        Assert.Equal((0, ""), (reply.ExitCode, reply.Stderr.ToStringUtf8()));
        return reply.Stdout.ToStringUtf8();
    }

    internal ContainerStatus WaitForEnd(string container)
    {
        ContainerStatus status = new();
        Deadline.Wait("the container's end", () => (status = Client.ContainerStatus(container)).State == ContainerState.ContainerExited, () => $"{status}");
        return status;
    }

    /// <summary>The lines that a container logged, without what the runtime writes before each: time, stream, and whether it is whole.</summary>
    internal string Log(string name)
    {
        var text = new StringBuilder();
        foreach (string line in File.ReadAllLines(LogFile(name)))
        {
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) (stdout|stderr) [FP] ", line);
            text.Append(line[(line.IndexOf(' ') + 1)..]).Append('\n');
        }

        return text.ToString();
    }

    internal string LogFile(string name) => Path.Combine(Config.LogDirectory, $"{name}.log");

    internal void Remove()
    {
        Client.StopPod(Id);
        Client.RemovePod(Id);
    }

    internal void TryRemove()
    {
        try
        {
            Remove();
        }
        catch (Exception cause) when (cause is CriException or HttpRequestException or TaskCanceledException)
        {
            // The failure that brought us here is the one to report.
        }
    }
}
