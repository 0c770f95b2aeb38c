namespace Caisson.Oci;

/// <summary>A container as the OCI runtime specification describes it: the whole of config.json that concerns Linux and VMs.</summary>
public sealed partial record OciSpec
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciSpec() { }

    /// <summary>The version of the specification that the bundle follows.</summary>
    public string? OciVersion { get; init; }

    /// <summary>The container's root file system.</summary>
    public OciRoot? Root { get; init; }

    /// <summary>What is mounted over the root file system, in order.</summary>
    public SpecList<OciMount> Mounts { get; init; } = [];

    /// <summary>The container's first process.</summary>
    public OciProcess? Process { get; init; }

    /// <summary>The host name seen inside; needs a UTS namespace.</summary>
    public string? Hostname { get; init; }

    /// <summary>The NIS domain name seen inside; needs a UTS namespace.</summary>
    public string? Domainname { get; init; }

    /// <summary>Commands run at points of the container's life.</summary>
    public OciHooks? Hooks { get; init; }

    /// <summary>Free metadata; also how engines pass what the specification has no field for.</summary>
    public SpecMap<string> Annotations { get; init; } = SpecMap<string>.Empty;

    /// <summary>What only Linux has.</summary>
    public OciLinux? Linux { get; init; }

    /// <summary>The virtual machine the container is to run in.</summary>
    public OciVM? VM { get; init; }
}
