using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>A machine to start. Paths are the host's; nothing here comes from a workload unchecked.</summary>
public sealed record VmConfig
{
    /// <summary>Shown in the process list and by QMP: the sandbox's id.</summary>
    public required string Name { get; init; }

    public required Accelerator Accelerator { get; init; }

    /// <summary>An ELF vmlinux with a PVH entry point.</summary>
    public required string Kernel { get; init; }

    /// <summary>The cpio archive that holds the agent; null for a kernel that needs none.</summary>
    public string? Initrd { get; init; }

    /// <summary>Appended to <see cref="QemuCommandLine.KernelParameters"/>; of two equal keys the kernel takes the last.</summary>
    public IReadOnlyList<string> ExtraKernelParameters { get; init; } = [];

    /// <summary>Leaves out <c>quiet</c>: the kernel then speaks on the console from its first moment.</summary>
    public bool VerboseBoot { get; init; }

    public int Vcpus { get; init; } = 1;

    public int MemoryMiB { get; init; } = 256;

    public AgentTransport Agent { get; init; } = AgentTransport.VirtioSerial;

    /// <summary>The guest's address on vsock, 3 or more; used with <see cref="AgentTransport.Vsock"/> only.</summary>
    public uint VsockContextId { get; init; }

    /// <summary>
    /// The directory that virtiofsd shares with the guest; null for a machine without shared files. What is mounted below it later
    /// reaches the guest only if it is a mount point with shared propagation by the time the machine starts.
    /// </summary>
    public string? SharedDirectory { get; init; }

    /// <summary>The machine's network cards when it starts.</summary>
    public IReadOnlyList<VmNetworkCard> NetworkCards { get; init; } = [];

    /// <summary>Whether network cards may come and go: that takes a bridge, which costs about 20 ms of an emulated boot.</summary>
    public bool TakesNetworkCards { get; init; }

    /// <summary>The user and group that QEMU runs as: one per sandbox, so that a captured QEMU cannot touch another one.</summary>
    public required JailIdentity Identity { get; init; }
}

/// <summary>A network card whose frames go through TAP descriptors: QEMU itself is in a network namespace that holds nothing.</summary>
/// <param name="Id">Names it among the machine's: letters, digits and underscores.</param>
/// <param name="HardwareAddress">As the guest shall see it: <c>02:00:00:00:00:01</c>.</param>
/// <param name="Queues">A TAP descriptor with virtio headers for each queue; the caller's, and not needed after the start.</param>
public sealed record VmNetworkCard(string Id, string HardwareAddress, IReadOnlyList<FileDescriptor> Queues);

/// <summary>How the host reaches the agent.</summary>
public enum AgentTransport
{
    /// <summary>No channel at all: the accelerator's probe needs none.</summary>
    None,

    /// <summary>A port of a virtio console device; needs nothing of the host.</summary>
    VirtioSerial,

    /// <summary>A virtio socket; needs /dev/vhost-vsock on the host.</summary>
    Vsock,
}

/// <summary>Numeric ids without any account, supplementary group or file behind them.</summary>
public readonly record struct JailIdentity(uint Uid, uint Gid);
