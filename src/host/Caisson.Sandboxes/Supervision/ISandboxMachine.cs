using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>What a machine is made of.</summary>
internal sealed record MachinePlan
{
    internal required MachineSize Size { get; init; }

    internal required string Qemu { get; init; }

    /// <summary>virtiofsd; null lets the usual places be searched.</summary>
    internal string? FileServer { get; init; }

    internal required string Kernel { get; init; }

    internal required string Initrd { get; init; }

    /// <summary><c>auto</c>, <c>kvm</c> or <c>tcg</c>.</summary>
    internal required string Accelerator { get; init; }

    internal required string Hostname { get; init; }

    /// <summary>Whether the sandbox stays until its owner is deleted, whatever runs.</summary>
    internal bool IsPod { get; init; }

    internal bool Debug { get; init; }

    /// <summary>The pod's network; null where the machine has its loopback only.</summary>
    internal NetworkPlan? Network { get; init; }

    /// <summary>The machine's network cards.</summary>
    internal IReadOnlyList<NetworkCard> NetworkCards { get; init; } = [];

    /// <summary>Appended to the guest kernel's command line.</summary>
    internal IReadOnlyList<string> KernelParameters { get; init; } = [];
}

/// <summary>The machine of a sandbox with its helpers, and the guest inside.</summary>
internal interface ISandboxMachine : IAsyncDisposable
{
    /// <summary>The guest; usable after <see cref="StartAsync"/> or <see cref="AttachAsync"/>.</summary>
    IGuest Guest { get; }

    ProcessIdentity? Identity { get; }

    ProcessIdentity? FileServerIdentity { get; }

    /// <summary>Starts helpers and machine. On failure nothing of it runs any more.</summary>
    /// <param name="plan">What to start.</param>
    /// <param name="sharedDirectory">What the guest sees of the host.</param>
    /// <param name="onProcess">Called after each process was started: the moment to record it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task StartAsync(MachinePlan plan, string sharedDirectory, Action onProcess, CancellationToken cancellationToken);

    /// <summary>Learns what an earlier supervisor started; nothing is touched.</summary>
    void Remember(ProcessIdentity? machine, ProcessIdentity? fileServer);

    /// <summary>Takes over the remembered machine.</summary>
    /// <exception cref="SandboxException">The machine is gone or does not answer; <see cref="KillAsync"/> ends what is left of it.</exception>
    Task AttachAsync(CancellationToken cancellationToken);

    /// <summary>Waits until the machine or a helper that it cannot do without has ended.</summary>
    /// <returns>Why, in words for the user.</returns>
    Task<string> WaitAsync(CancellationToken cancellationToken);

    /// <summary>Gives the running machine another network card; its queues stay the caller's.</summary>
    Task AddNetworkCardAsync(NetworkCard card, CancellationToken cancellationToken);

    /// <summary>Takes a network card out of the running machine.</summary>
    Task RemoveNetworkCardAsync(string id, CancellationToken cancellationToken);

    /// <summary>Ends machine and helpers and waits until they are gone. Never fails.</summary>
    Task KillAsync();
}
