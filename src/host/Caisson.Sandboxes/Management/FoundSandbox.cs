using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A container that a record tells of.</summary>
/// <param name="Root">Where the record lies.</param>
/// <param name="Record">The record.</param>
/// <param name="Live">What is true of it now.</param>
internal sealed record FoundContainer(string Root, ContainerRecord Record, LiveContainer Live);

/// <summary>A record that was begun and not finished.</summary>
/// <param name="Root">Where it lies.</param>
/// <param name="Id">The container's id.</param>
/// <param name="Journal">What its creator was about to make; null where not even the first line was written.</param>
/// <param name="IsCreatorAlive">Whether its creator lives.</param>
internal sealed record UnfinishedContainer(string Root, string Id, JournalContents? Journal, bool IsCreatorAlive);

/// <summary>Who still needs a sandbox.</summary>
internal enum SandboxStanding
{
    /// <summary>Its creator is at work.</summary>
    BeingCreated,

    /// <summary>It runs, and records name it.</summary>
    Running,

    /// <summary>Records name it, and nobody supervises it any more: it has ended, or everybody who could end it was killed.</summary>
    Ended,

    /// <summary>Its creator is dead, and no record names it: nobody can reach it any more.</summary>
    Ownerless,

    /// <summary>Something of it lives, and nobody knows for whom.</summary>
    Unknown,
}

/// <summary>One sandbox, by what its directory and the records say.</summary>
internal sealed record FoundSandbox
{
    /// <summary>The name of its directory; of a sandbox from namespaces, the pod's or the container's id.</summary>
    internal required string Id { get; init; }

    internal required Isolation Isolation { get; init; }

    /// <summary>Its directory; null in namespaces, where a sandbox has none.</summary>
    internal string? Directory { get; init; }

    internal SandboxStanding Standing { get; init; }

    internal SandboxOrigin? Origin { get; init; }

    internal SandboxSnapshot? Snapshot { get; init; }

    internal IReadOnlyList<FoundContainer> Containers { get; init; } = [];

    internal string? Root => Containers.Count > 0 ? Containers[0].Root : Origin?.Root;

    internal DateTime? Created => Origin?.Created ?? (Containers.Count > 0 ? Containers[0].Record.Created : null);

    /// <summary>Why it ended, if not because its last container did.</summary>
    internal string? Cause => Snapshot?.Cause;

    /// <summary>Its processes outside its containers, by what they are.</summary>
    internal IReadOnlyList<(string Role, ProcessIdentity Process)> Helpers
    {
        get
        {
            var helpers = new List<(string, ProcessIdentity)>();
            Add(helpers, "supervisor", Snapshot?.Supervisor);
            Add(helpers, "guardian", Snapshot?.Guardian);
            Add(helpers, "machine", Snapshot?.Machine);
            Add(helpers, "fileServer", Snapshot?.FileServer);
            return helpers;
        }
    }

    /// <summary>Whether a process of its snapshot is this one, and lives.</summary>
    internal bool IsAlive(ProcessIdentity process) => Snapshot?.BootId == BootId.Read() && process.IsAlive;

    private static void Add(List<(string, ProcessIdentity)> helpers, string role, ProcessIdentity? process)
    {
        if (process is { } known)
        {
            helpers.Add((role, known));
        }
    }
}
