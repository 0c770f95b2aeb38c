using Caisson.Oci;
using Caisson.Protocol;

namespace Caisson.Sandboxes;

/// <summary>
/// The inside of a sandbox, as its supervisor reaches it. Everything above knows the kind of sandbox only through this.
/// Calls may be made at once from several tasks; every one is bounded in time, but for those of <see cref="IGuestProcess"/> that wait.
/// Failures of the guest are <see cref="GuestException"/>; a guest that is gone is <see cref="GuestGoneException"/>.
/// </summary>
internal interface IGuest : IAsyncDisposable
{
    /// <summary>Waits until the guest answers, and prepares it for containers.</summary>
    /// <returns>What the guest says of itself.</returns>
    Task<GuestGreeting> PrepareAsync(string sandboxId, string hostname, CancellationToken cancellationToken);

    /// <summary>Gives the guest's interfaces their names, addresses, routes and neighbours; each was found by its hardware address.</summary>
    Task SetNetworkAsync(NetworkPicture network, CancellationToken cancellationToken);

    /// <summary>The guest's interfaces and routes, as the agent's messages.</summary>
    Task<(byte[] Interfaces, byte[] Routes)> ListNetworkAsync(CancellationToken cancellationToken);

    /// <summary>Waits until programs of the guest listen on other TCP ports than those that are known.</summary>
    /// <param name="known">The ports of the last answer.</param>
    /// <param name="anew">Closes connections to ports first.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<ushort[]> ListeningPortsAsync(ushort[] known, bool anew, CancellationToken cancellationToken);

    /// <summary>Connects to a port of the guest; from then on its bytes are those of <see cref="Process"/> without a container, by the name.</summary>
    Task ConnectPortAsync(ushort port, string name, CancellationToken cancellationToken);

    /// <summary>Gives the answer to a query of DNS, and waits for the next; the first call makes the guest listen.</summary>
    Task<DnsMessage> RelayDnsAsync(DnsMessage answer, CancellationToken cancellationToken);

    /// <summary>Creates a container whose init waits to be started.</summary>
    /// <param name="containerId">Its id.</param>
    /// <param name="spec">As <see cref="GuestSpec"/> makes it.</param>
    /// <param name="memory">What it shares as its /dev/shm, or null; it is there as long as a container uses it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task CreateContainerAsync(string containerId, OciSpec spec, SandboxMemory? memory, CancellationToken cancellationToken);

    Task StartContainerAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Ends and forgets a container; its exit codes are lost.</summary>
    Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken);

    Task ExecAsync(string containerId, string execId, OciProcess process, CancellationToken cancellationToken);

    /// <summary>Signals a process, or with <paramref name="all"/> every process of the container.</summary>
    Task SignalAsync(string containerId, string execId, int signal, bool all, CancellationToken cancellationToken);

    Task PauseAsync(string containerId, CancellationToken cancellationToken);

    Task ResumeAsync(string containerId, CancellationToken cancellationToken);

    Task UpdateAsync(string containerId, LinuxResources resources, CancellationToken cancellationToken);

    /// <summary>Statistics as the agent's StatsContainerResponse.</summary>
    Task<byte[]> StatsAsync(string containerId, CancellationToken cancellationToken);

    Task<byte[]> ListProcessesAsync(string containerId, string format, IReadOnlyList<string> arguments, CancellationToken cancellationToken);

    /// <summary>Waits until the guest's kernel has killed a process of a container for lack of memory.</summary>
    /// <returns>The container's id, as the guest says.</returns>
    Task<string> NextOomAsync(CancellationToken cancellationToken);

    /// <summary>How many processes of a container the guest's kernel has killed for lack of memory.</summary>
    Task<ulong> CountOomsAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>What was written inside is in the host's files when this returns.</summary>
    Task SyncAsync(CancellationToken cancellationToken);

    /// <summary>The streams, signals and exit code of a process; <paramref name="execId"/> is empty for the container's init.</summary>
    IGuestProcess Process(string containerId, string execId);
}

/// <summary>What a guest says of itself.</summary>
internal readonly record struct GuestGreeting(string KernelRelease, string AgentVersion);

/// <summary>The guest refused or failed an operation.</summary>
internal sealed class GuestException(string message, Exception? cause = null) : SandboxException(message, cause);

/// <summary>The guest does not answer and will not: its machine is gone, or its agent stayed silent beyond the call's limit.</summary>
internal sealed class GuestGoneException(string operation, string reason, Exception? cause = null)
    : SandboxException($"{operation}: {reason}", cause);
