using Caisson.Protocol.Criu;

namespace Caisson.Sandboxes;

/// <summary>What <c>checkpoint</c> and <c>restore</c> both ask, with runc's flags.</summary>
public sealed record CheckpointOrder
{
    /// <summary>Where the images are, absolute.</summary>
    public required string ImagePath { get; init; }

    /// <summary>Where CRIU writes its log and what it needs meanwhile; null takes <see cref="ImagePath"/>.</summary>
    public string? WorkPath { get; init; }

    /// <summary>Images of a pre-dump, relative to <see cref="ImagePath"/>: only what has changed since is written.</summary>
    public string? ParentPath { get; init; }

    /// <summary>CRIU's executable; null searches for it.</summary>
    public string? Criu { get; init; }

    public bool LeaveRunning { get; init; }

    /// <summary>Writes memory only, and lets the container go on: for a later checkpoint that is short.</summary>
    public bool PreDump { get; init; }

    public bool TcpEstablished { get; init; }

    public bool ExternalUnixSockets { get; init; }

    public bool ShellJob { get; init; }

    public bool FileLocks { get; init; }

    public bool AutoDedup { get; init; }

    public bool LazyPages { get; init; }

    /// <summary>A descriptor of ours that is told once the page server is ready, or -1.</summary>
    public int StatusFd { get; init; } = -1;

    /// <summary>Where memory pages are sent; null writes them to images.</summary>
    public PageServerPlace? PageServer { get; init; }

    public CgroupMode CgroupMode { get; init; } = CgroupMode.Soft;

    /// <summary>Kinds of namespaces whose content is neither saved nor restored, as clone flags.</summary>
    public uint EmptyNamespaces { get; init; }

    public string? LsmProfile { get; init; }
}

/// <summary>Where a page server listens. Not the message: a record compares its fields, and messages have no comparison in the executable.</summary>
public sealed record PageServerPlace(string Address, ushort Port);

/// <summary>A backend that can write a container's processes to files, and make them again from there.</summary>
public interface ICheckpoints
{
    /// <summary>Writes the container's state to images. Unless it is left running, all its processes are gone afterwards.</summary>
    void Checkpoint(ContainerRecord record, Oci.OciSpec spec, CheckpointOrder order);

    /// <summary>Makes a container from images; it runs when this returns, or has ended when it is waited for.</summary>
    /// <param name="order">What to create, as for <see cref="IContainerBackend.Run"/>.</param>
    /// <param name="journal">Where intents are written before each step.</param>
    /// <param name="checkpoint">The images, and how they are to be taken.</param>
    /// <param name="running">Called once it runs: the record is saved, and the lock may go.</param>
    /// <returns>0 when detached, else the exit code, or 128 plus the signal.</returns>
    int Restore(CreateOrder order, Journal journal, CheckpointOrder checkpoint, Action<ContainerRecord> running);
}
