using System.Globalization;
using Caisson.Oci;
using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>A guest that is served by an agent with Kata's API.</summary>
internal sealed class AgentGuest(AgentLink link) : IGuest
{
    private static readonly string[] s_noOptions = [];

    public async Task<GuestGreeting> PrepareAsync(string sandboxId, string hostname, CancellationToken cancellationToken)
    {
        VersionCheckResponse version = await link.RepeatAsync(
            "agent", static (agent, stop) => agent.VersionAsync(new CheckRequest(), stop), cancellationToken);
        var request = new CreateSandboxRequest
        {
            Hostname = hostname,
            SandboxId = sandboxId,
            Storages = { new Storage { Driver = "virtio-fs", Source = GuestPaths.ShareTag, Fstype = "virtiofs", Options = { s_noOptions }, MountPoint = GuestPaths.Shared } },
        };
        await link.DoAsync("create sandbox", (agent, stop) => agent.CreateSandboxAsync(request, stop), cancellationToken);
        return new GuestGreeting(version.GrpcVersion, version.AgentVersion);
    }

    public async Task SetNetworkAsync(NetworkPicture network, CancellationToken cancellationToken)
    {
        foreach (Interface one in network.Interfaces.Items)
        {
            var request = new UpdateInterfaceRequest { Interface = one };
            await link.DoAsync($"network interface {one.Name}", (agent, stop) => agent.UpdateInterfaceAsync(request, stop), cancellationToken);
        }

        var routes = new UpdateRoutesRequest { Routes = network.Routes };
        await link.DoAsync("network routes", (agent, stop) => agent.UpdateRoutesAsync(routes, stop), cancellationToken);
        if (network.Neighbors.Items.Count > 0)
        {
            var neighbors = new AddARPNeighborsRequest { Neighbors = network.Neighbors };
            await link.DoAsync("network neighbours", (agent, stop) => agent.AddARPNeighborsAsync(neighbors, stop), cancellationToken);
        }
    }

    public async Task<(byte[] Interfaces, byte[] Routes)> ListNetworkAsync(CancellationToken cancellationToken)
    {
        Interfaces interfaces = await link.CallAsync(
            "network interfaces", static (agent, stop) => agent.ListInterfacesAsync(new ListInterfacesRequest(), stop), cancellationToken);
        Routes routes = await link.CallAsync("network routes", static (agent, stop) => agent.ListRoutesAsync(new ListRoutesRequest(), stop), cancellationToken);
        return (interfaces.ToByteArray(), routes.ToByteArray());
    }

    public async Task<ushort[]> ListeningPortsAsync(ushort[] known, bool anew, CancellationToken cancellationToken)
    {
        var request = new PortList { Ports = PortNumbers.ToWire(known), Anew = anew };
        PortList answer = await link.RepeatAsync("ports", (agent, stop) => agent.ListeningPortsAsync(request, stop), cancellationToken);
        return PortNumbers.TryRead(answer.Ports, out ushort[] ports)
            ? ports
            : throw link.Distrust("ports", $"the agent said {answer.Ports.Length} bytes that are no list of at most {PortNumbers.Max} ports");
    }

    public Task ConnectPortAsync(ushort port, string name, CancellationToken cancellationToken)
    {
        var request = new ConnectPortRequest { Port = port, Name = name };
        return link.DoAsync("connect to a port", (agent, stop) => agent.ConnectPortAsync(request, stop), cancellationToken);
    }

    public async Task<DnsMessage> RelayDnsAsync(DnsMessage answer, CancellationToken cancellationToken)
    {
        DnsMessage query = await link.RepeatAsync("names", (agent, stop) => agent.RelayDnsAsync(answer, stop), cancellationToken);
        return query.Data.Length <= DnsLimits.MaxBytes
            ? query
            : throw link.Distrust("names", $"the agent sent a query of {query.Data.Length} bytes; at most {DnsLimits.MaxBytes} are taken");
    }

    public Task CreateContainerAsync(string containerId, OciSpec spec, SandboxMemory? memory, CancellationToken cancellationToken)
    {
        var request = new CreateContainerRequest
        {
            ContainerId = containerId,
            ExecId = containerId,
            Oci = SpecConverter.ToWire(spec),
            ConfigJson = ByteString.CopyFrom(SpecWriter.Write(spec)),
        };
        if (memory is not null)
        {
            request.Storages.Add(StorageOf(memory));
        }

        return link.DoAsync("create container", (agent, stop) => agent.CreateContainerAsync(request, stop), cancellationToken);
    }

    // Kata's "ephemeral": a tmpfs, mounted once for all who name the same mount point.
    private static Storage StorageOf(SandboxMemory memory) => new()
    {
        Driver = "ephemeral",
        Source = "shm",
        Fstype = "tmpfs",
        Options = { "noexec", "mode=1777", string.Create(CultureInfo.InvariantCulture, $"size={memory.SizeBytes}") },
        MountPoint = memory.MountPoint,
    };

    public Task StartContainerAsync(string containerId, CancellationToken cancellationToken) =>
        link.DoAsync("start container", (agent, stop) => agent.StartContainerAsync(new StartContainerRequest { ContainerId = containerId }, stop), cancellationToken);

    public Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken) =>
        link.DoAsync("remove container", (agent, stop) => agent.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = containerId }, stop), cancellationToken);

    public Task ExecAsync(string containerId, string execId, OciProcess process, CancellationToken cancellationToken)
    {
        var request = new ExecProcessRequest { ContainerId = containerId, ExecId = execId, Process = SpecConverter.ToWire(process), ProcessJson = ByteString.CopyFrom(SpecWriter.Write(process)) };
        return link.DoAsync("exec", (agent, stop) => agent.ExecProcessAsync(request, stop), cancellationToken);
    }

    public Task SignalAsync(string containerId, string execId, int signal, bool all, CancellationToken cancellationToken)
    {
        // An empty exec id means every process; the container's own id is its init (Kata's convention).
        string target = all ? "" : execId.Length == 0 ? containerId : execId;
        var request = new SignalProcessRequest { ContainerId = containerId, ExecId = target, Signal = (uint)signal };
        return link.DoAsync("signal", (agent, stop) => agent.SignalProcessAsync(request, stop), cancellationToken);
    }

    public Task PauseAsync(string containerId, CancellationToken cancellationToken) =>
        link.DoAsync("pause", (agent, stop) => agent.PauseContainerAsync(new PauseContainerRequest { ContainerId = containerId }, stop), cancellationToken);

    public Task ResumeAsync(string containerId, CancellationToken cancellationToken) =>
        link.DoAsync("resume", (agent, stop) => agent.ResumeContainerAsync(new ResumeContainerRequest { ContainerId = containerId }, stop), cancellationToken);

    public Task UpdateAsync(string containerId, LinuxResources resources, CancellationToken cancellationToken)
    {
        var request = new UpdateContainerRequest { ContainerId = containerId, Resources = SpecConverter.ToWire(resources), ResourcesJson = ByteString.CopyFrom(SpecWriter.Write(resources)) };
        return link.DoAsync("update", (agent, stop) => agent.UpdateContainerAsync(request, stop), cancellationToken);
    }

    public async Task<byte[]> StatsAsync(string containerId, CancellationToken cancellationToken)
    {
        StatsContainerResponse stats = await link.CallAsync(
            "stats", (agent, stop) => agent.StatsContainerAsync(new StatsContainerRequest { ContainerId = containerId }, stop), cancellationToken);
        return stats.ToByteArray();
    }

    public async Task<byte[]> ListProcessesAsync(
        string containerId, string format, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var request = new ListProcessesRequest { ContainerId = containerId, Format = format, Args = { arguments } };
        ListProcessesResponse list = await link.CallAsync("ps", (agent, stop) => agent.ListProcessesAsync(request, stop), cancellationToken);
        return list.ProcessList.ToByteArray();
    }

    public async Task<string> NextOomAsync(CancellationToken cancellationToken)
    {
        OOMEvent happened = await link.RepeatAsync(
            "out-of-memory events", static (agent, stop) => agent.GetOOMEventAsync(new GetOOMEventRequest(), stop), cancellationToken);
        return happened.ContainerId;
    }

    public async Task<ulong> CountOomsAsync(string containerId, CancellationToken cancellationToken)
    {
        ListContainersResponse list = await link.RepeatAsync(
            "out-of-memory events", static (agent, stop) => agent.ListContainersAsync(new ListContainersRequest(), stop), cancellationToken);
        foreach (Caisson.Protocol.ContainerRecord container in list.Containers)
        {
            if (container.Id == containerId)
            {
                return container.OomKills;
            }
        }

        return 0;
    }

    public Task SyncAsync(CancellationToken cancellationToken) =>
        link.DoAsync("sync", static (agent, stop) => agent.SyncAsync(new SyncRequest(), stop), cancellationToken);

    public IGuestProcess Process(string containerId, string execId) => new AgentProcess(this, link, containerId, execId);

    public ValueTask DisposeAsync() => link.DisposeAsync();
}
