using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>What the process that enters a running container knows.</summary>
internal sealed record ExecStageRequest
{
    internal required ExecRequest Exec { get; init; }

    internal required InitChannel Channel { get; init; }

    /// <summary>The container's init, by which its namespaces are entered: no path is looked up.</summary>
    internal required PidFd Init { get; init; }

    /// <summary>The namespaces to enter.</summary>
    internal required NamespaceKinds Kinds { get; init; }

    /// <summary>The cgroup that the process is born in; null where whoever clones it is there already.</summary>
    internal DirectoryFd? CgroupDirectory { get; init; }
}
