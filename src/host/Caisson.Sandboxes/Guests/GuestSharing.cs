namespace Caisson.Sandboxes;

/// <summary>What a container has in common with others of its sandbox, as the guest is told. Everything in it was checked by the host.</summary>
internal sealed record GuestSharing
{
    /// <summary>A container that the sandbox was made for, by itself.</summary>
    internal static readonly GuestSharing None = new();

    /// <summary>The kinds of namespaces that can be another container's of the sandbox.</summary>
    internal static readonly string[] NamespaceTypes = ["ipc", "uts", "pid"];

    // What the agent takes in a namespace's path: a container of its own, never a path of the guest.
    private const string ContainerMarker = "container:";

    /// <summary>By type, the container whose namespace it is.</summary>
    internal IReadOnlyDictionary<string, string> Namespaces { get; init; } = new Dictionary<string, string>();

    /// <summary>The /dev/shm that it shares; null where it has its own.</summary>
    internal SandboxMemory? Memory { get; init; }

    /// <summary>
    /// Whether it is put into the sandbox of another container. That one's network is the guest's; a new network namespace of this one is
    /// made in the guest.
    /// </summary>
    internal bool IsFurther { get; init; }

    /// <summary>The path that the guest finds in the specification; null makes a new namespace.</summary>
    internal string? PathOf(string type) => Namespaces.TryGetValue(type, out string? container) ? ContainerMarker + container : null;
}

/// <summary>A tmpfs of the guest that containers of a sandbox share as their /dev/shm, as Kata's sandbox has one.</summary>
/// <param name="Name">Tells it from others of the sandbox: containers that share one on the host share one in the guest.</param>
/// <param name="SizeBytes">Its size, when the first container brings it along.</param>
internal sealed record SandboxMemory(string Name, ulong SizeBytes)
{
    /// <summary>Where the guest mounts it.</summary>
    internal string MountPoint => $"{GuestPaths.Sandbox}/shm-{Name}";
}
