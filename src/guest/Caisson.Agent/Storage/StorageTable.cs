using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>What is mounted for the sandbox and its containers: each mount point once, counted by its users.</summary>
internal sealed class StorageTable(ModuleGroups modules)
{
    // Own limit: a pod's volumes.
    private const int MaxStorages = 256;

    private const uint DirectoryMode = 0x1ED; // 0755

    internal static IReadOnlyList<string> Drivers { get; } = ["virtio-fs", "ephemeral", "local", "bind"];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StorageUse> _uses = new(StringComparer.Ordinal);   // under _lock

    /// <summary>Mounts, or counts one user more. Blocks.</summary>
    /// <returns>The mount point, for <see cref="Release"/>.</returns>
    internal string Acquire(Storage storage)
    {
        string mountPoint = CheckedMountPoint(storage.MountPoint);
        StorageUse use;
        lock (_lock)
        {
            if (!_uses.TryGetValue(mountPoint, out use!))
            {
                if (_uses.Count >= MaxStorages)
                {
                    throw Refusal.Limit($"{MaxStorages} storages are mounted, the most this machine takes");
                }

                _uses.Add(mountPoint, use = new StorageUse());
            }

            use.Users++;
        }

        try
        {
            // Two users at once: the second waits for the first one's mount.
            lock (use.Mounting)
            {
                if (!use.IsMounted)
                {
                    Mount(storage, mountPoint);
                    use.IsMounted = true;
                }
            }

            return mountPoint;
        }
        catch
        {
            Release(mountPoint);
            throw;
        }
    }

    /// <summary>One user less; the last one unmounts.</summary>
    internal void Release(string mountPoint)
    {
        StorageUse? use;
        lock (_lock)
        {
            if (!_uses.TryGetValue(mountPoint, out use) || --use.Users > 0)
            {
                return;
            }

            _uses.Remove(mountPoint);
        }

        lock (use.Mounting)
        {
            if (use.IsMounted && !MountCalls.TryUnmount(mountPoint, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out Errno why) && why != Errno.EINVAL)
            {
                ConsoleLog.Write($"unmount {mountPoint}: {why.Describe()}");
            }
        }
    }

    private void Mount(Storage storage, string mountPoint)
    {
        using DirectoryFd root = DirectoryFd.Open("/");
        using PathFd target = Rooted.MakeDirectories(root, mountPoint, DirectoryMode);
        (MountFlags flags, string? data) = StorageOptions.Parse(storage.Options);
        switch (storage.Driver)
        {
            case "virtio-fs":
                modules.Load("virtiofs");
                MountCalls.Mount(storage.Source, target, "virtiofs", flags, data);
                break;
            case "ephemeral":
                MountCalls.Mount("tmpfs", target, "tmpfs", flags | MountFlags.MS_NOSUID | MountFlags.MS_NODEV, data);
                break;
            case "local":
                FileCalls.ChangeMode(target.ProcPath, StorageOptions.Mode(storage.Options));
                break;
            case "bind":
                using (PathFd source = Rooted.OpenPath(root, storage.Source))
                using (MountFd tree = MountCalls.OpenTree(source))
                {
                    MountCalls.MoveMount(tree, target);
                }

                break;
            default:
                throw Refusal.Invalid($"storage driver \"{storage.Driver}\" is unknown; known are {string.Join(", ", Drivers)}");
        }
    }

    // Nothing outside the sandbox's own place can be covered by a mount.
    private static string CheckedMountPoint(string path)
    {
        const int MaxPathBytes = 4096; // PATH_MAX
        bool isInside = path.StartsWith(GuestPlaces.Top + "/", StringComparison.Ordinal) && path.Length < MaxPathBytes;
        foreach (string part in path.Split('/'))
        {
            isInside &= part is not (".." or ".") && !part.Contains('\0', StringComparison.Ordinal);
        }

        return isInside ? path.TrimEnd('/') : throw Refusal.Invalid($"storages are mounted below {GuestPlaces.Top} only, not at \"{path}\"");
    }

    private sealed class StorageUse
    {
        internal Lock Mounting { get; } = new();

        internal int Users { get; set; }        // under the table's lock

        internal volatile bool IsMounted;       // written under Mounting
    }
}
