namespace Caisson.Sandboxes;

/// <summary>Where things lie in a guest: Kata's layout, so that either half can be exchanged for Kata's own.</summary>
internal static class GuestPaths
{
    /// <summary>The virtio-fs tag of the shared directory.</summary>
    internal const string ShareTag = "kataShared";

    /// <summary>Where the guest mounts the shared directory.</summary>
    internal const string Shared = "/run/kata-containers/shared/containers";

    /// <summary>What belongs to the sandbox and to none of its containers alone.</summary>
    internal const string Sandbox = "/run/kata-containers/sandbox";

    /// <summary>A container's root file system, relative to the shared directory.</summary>
    internal static string RootfsName(string containerId) => $"{containerId}/rootfs";

    /// <summary>A bind mount's source, relative to the shared directory: Kata's CONTAINER-NONCE-BASENAME.</summary>
    /// <param name="containerId">The container.</param>
    /// <param name="index">Its place among the mounts; stands for the nonce, and is unique in the container.</param>
    /// <param name="destination">The destination, whose last component is kept for readers.</param>
    internal static string MountName(string containerId, int index, string destination)
    {
        string trimmed = destination.TrimEnd('/');
        string name = trimmed[(trimmed.LastIndexOf('/') + 1)..];
        return $"{containerId}-{index:x8}-{(name.Length == 0 ? "root" : name)}";
    }
}
