using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>What init knows: the creator's request, and what the creator prepared for it.</summary>
internal sealed record InitRequest
{
    /// <summary>The creator's request.</summary>
    internal required ContainerRequest Container { get; init; }

    /// <summary>The container's namespaces.</summary>
    internal required NamespacePlan Namespaces { get; init; }

    /// <summary>Init's end of the conversation with the creator.</summary>
    internal required InitChannel Channel { get; init; }

    /// <summary>The fifo to wait on, O_PATH; null where the creator says when to start.</summary>
    internal PathFd? Fifo { get; init; }

    /// <summary>Trees for bind mounts that the creator had to open, attributes set, by index in <c>mounts</c>.</summary>
    internal IReadOnlyDictionary<int, MountFd> PreparedSources { get; init; } = new Dictionary<int, MountFd>();

    /// <summary>The root file system where the creator had to open it, for the same reasons.</summary>
    internal MountFd? PreparedRootfs { get; init; }

    /// <summary>The new network namespace where it was made ahead: init joins it.</summary>
    internal NamespaceFd? Network { get; init; }

    /// <summary>The container's cgroup; null where it has none of its own.</summary>
    internal CgroupPlace? Cgroup { get; init; }

    /// <summary>
    /// Is the creator an ordinary user? Then it can open no mounts for init, and writes init's id maps only while init is dumpable,
    /// because the files of one that is not belong to root.
    /// </summary>
    internal bool IsRootless { get; init; }

    /// <summary>Have all namespaces been joined by the process that cloned init?</summary>
    internal bool IsStaged { get; init; }

    /// <summary>
    /// Does init move itself into its cgroup, once that is made? That is many times cheaper than being moved
    /// (<see cref="Cgroup.JoinAsSingleThread"/>), but needs the creator's ids and mounts, and a single thread.
    /// </summary>
    internal bool EntersCgroup =>
        Cgroup is not null
        && Container.Verb is null
        && Container.PlaceInit is null
        && !IsStaged
        && Namespaces.Joined.Count == 0
        && !Namespaces.NeedsStage
        && !Namespaces.Creates(NamespaceKinds.User);
}
