namespace Caisson.Oci;

/// <summary>The container's root file system on the host.</summary>
public sealed partial record OciRoot
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciRoot() { }

    /// <summary>The directory, absolute or relative to the bundle.</summary>
    public string? Path { get; init; }

    /// <summary>Is it read-only inside?</summary>
    public bool Readonly { get; init; }
}

/// <summary>One mount of the container.</summary>
public sealed partial record OciMount
{
    /// <summary>An empty one, to be filled by an initializer.</summary>
    public OciMount() { }

    /// <summary>The mount point inside the container.</summary>
    public string Destination { get; init; } = "";

    /// <summary>The file system's type; for bind mounts the options decide.</summary>
    public string? Type { get; init; }

    /// <summary>The device, the file system's name, or the path to bind, relative to the bundle.</summary>
    public string? Source { get; init; }

    /// <summary>Options as in fstab, those of the file system included.</summary>
    public SpecList<string> Options { get; init; } = [];

    /// <summary>User ids of an id-mapped mount.</summary>
    public SpecList<LinuxIdMapping> UidMappings { get; init; } = [];

    /// <summary>Group ids of an id-mapped mount.</summary>
    public SpecList<LinuxIdMapping> GidMappings { get; init; } = [];

    /// <summary>Does it show another part of the tree, and not a file system of its own?</summary>
    public bool IsBind => Type == "bind" || Options.Contains("bind") || Options.Contains("rbind");
}
