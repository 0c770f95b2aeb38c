using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>Starts machines, and finds running ones again.</summary>
public interface IHypervisor
{
    /// <summary>Starts a machine and returns when its monitor answers; the guest is booting by then.</summary>
    /// <param name="config">The machine.</param>
    /// <param name="directory">A directory of this machine alone, for its sockets and logs.</param>
    /// <param name="cancellationToken">Ends the attempt; nothing is left of it then.</param>
    /// <exception cref="HypervisorException">The machine could not be started; nothing is left of the attempt but its logs.</exception>
    Task<IVirtualMachine> StartAsync(VmConfig config, string directory, CancellationToken cancellationToken);

    /// <summary>Takes over a machine that another supervisor started; that supervisor must be gone.</summary>
    /// <exception cref="HypervisorException">The machine is not running any more, or does not answer.</exception>
    Task<IVirtualMachine> AttachAsync(VmRecord record, CancellationToken cancellationToken);
}

/// <summary>What a later supervisor needs to take a machine over.</summary>
/// <param name="Directory">Its sockets and logs.</param>
/// <param name="Hypervisor">The machine's process.</param>
/// <param name="FileServer">The process that shares files with it; null if none does.</param>
public sealed record VmRecord(string Directory, ProcessIdentity Hypervisor, ProcessIdentity? FileServer);

/// <summary>A running machine. Disposing of it lets go of the machine; only <see cref="StopAsync"/> ends it.</summary>
public interface IVirtualMachine : IAsyncDisposable
{
    VmRecord Record { get; }

    /// <summary>The unix socket behind the agent's port; one connection at a time. Null if the agent is reached by vsock.</summary>
    string? AgentSocket { get; }

    /// <summary>Completes, never with an exception, when all of the machine's processes are gone.</summary>
    Task<VmExit> Exited { get; }

    /// <summary>Completes when the guest kernel or its agent has written to the console.</summary>
    Task ConsoleSpoke { get; }

    Task<VmStatus> QueryStatusAsync(CancellationToken cancellationToken);

    Task PauseAsync(CancellationToken cancellationToken);

    Task ResumeAsync(CancellationToken cancellationToken);

    /// <summary>Plugs a network card into a machine that was started with <see cref="VmConfig.TakesNetworkCards"/>.</summary>
    /// <exception cref="HypervisorException">The machine refused; nothing of the card is left.</exception>
    Task AddNetworkCardAsync(VmNetworkCard card, CancellationToken cancellationToken);

    /// <summary>Pulls a network card out, whether or not the guest lets go of it, and closes its descriptors.</summary>
    /// <exception cref="HypervisorException">The machine refused.</exception>
    Task RemoveNetworkCardAsync(string id, CancellationToken cancellationToken);

    /// <summary>Ends the machine at once and returns when it is gone. The guest gets no chance to save anything: ask its agent first.</summary>
    Task<VmExit> StopAsync();

    /// <summary>The last lines of the guest's console, for messages.</summary>
    string ConsoleTail();
}

/// <summary>What the machine's processor does.</summary>
public enum VmStatus
{
    Running,
    Paused,

    /// <summary>The guest has shut down or crashed, and the process is about to end, or waits for us.</summary>
    Ended,
}
