namespace Caisson.Oci;

/// <summary>The state of a container, as runtime-spec's runtime.md defines it; hooks get it on their standard input.</summary>
public sealed record OciState
{
    /// <summary>The version of the specification that the container follows.</summary>
    public required string OciVersion { get; init; }

    /// <summary>The container's id.</summary>
    public required string Id { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required ContainerStatus Status { get; init; }

    /// <summary>The first process, as the host sees it; 0 where there is none.</summary>
    public int Pid { get; init; }

    /// <summary>The bundle's directory, absolute.</summary>
    public required string Bundle { get; init; }

    /// <summary>The annotations of the specification, and the runtime's own.</summary>
    public SpecMap<string> Annotations { get; init; } = SpecMap<string>.Empty;
}

/// <summary>What runc's <c>state</c> and <c>list</c> tell beyond the specification.</summary>
/// <param name="State">The specification's part.</param>
/// <param name="Rootfs">The root file system on the host.</param>
/// <param name="Created">When the container was made.</param>
/// <param name="Owner">The user who made it; runc's <c>state</c> leaves it empty.</param>
public sealed record RuntimeState(OciState State, string Rootfs, DateTimeOffset Created, string Owner = "");
