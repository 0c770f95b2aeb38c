using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>A container's root file system as containerd's snapshotters describe it: one or more mounts, made by the shim.</summary>
public static class SnapshotMount
{
    // mount(2) copies one page of options.
    private const int MostDataBytes = 4095;

    /// <summary>Makes one mount.</summary>
    /// <param name="type">The file system's type, or <c>bind</c>.</param>
    /// <param name="source">What to mount.</param>
    /// <param name="options">As in /etc/fstab, one each.</param>
    /// <param name="target">An existing directory of the host.</param>
    /// <exception cref="ContainerException">It cannot be mounted; names the source, the target and the reason.</exception>
    public static void Attach(string type, string source, IReadOnlyList<string> options, string target)
    {
        ArgumentNullException.ThrowIfNull(options);
        MountOptions parsed = MountOptions.Parse(options);
        if (parsed.Data.Length > MostDataBytes)
        {
            AttachByOption(type, source, parsed, target);
            return;
        }

        if (!MountCalls.TryMount(source, target, type, parsed.Flags, parsed.Data, out Errno why))
        {
            throw ContainerException.Because($"mount rootfs: {type} {source} at {target}", why);
        }

        // A bind mount takes its attributes in a second step (mount(2), "Remounting an existing mount").
        MountFlags attributes = parsed.Flags & ~(MountFlags.MS_BIND | MountFlags.MS_REC);
        if (parsed.IsBind && attributes != 0
            && !MountCalls.TryMount(null, target, null, attributes | MountFlags.MS_BIND | MountFlags.MS_REMOUNT, null, out why))
        {
            MountCalls.TryUnmount(target, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _);
            throw ContainerException.Because($"mount rootfs: remount {source} at {target}", why);
        }
    }

    /// <summary>Takes every mount off a directory; one that holds none, or is not there, is fine.</summary>
    /// <param name="target">The directory.</param>
    public static void Remove(string target)
    {
        while (MountCalls.TryUnmount(target, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _))
        {
            // Each call takes the topmost.
        }
    }

    // An image of very many layers: one fsconfig(2) for each (overlayfs knows lowerdir+ since Linux 6.5).
    private static void AttachByOption(string type, string source, MountOptions options, string target)
    {
        try
        {
            using FileSystemContext context = FileSystemContext.Open(type);
            context.SetString("source", source);
            foreach (string option in options.Data.Split(','))
            {
                Configure(context, option);
            }

            context.Create();
            using MountFd mount = context.Mount();
            MountCalls.MoveMount(mount, target);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because(
                $"mount rootfs: {type} at {target} with {options.Data.Length} bytes of options (more than {MostDataBytes} need Linux 6.5)", cause.Errno);
        }
    }

    private static void Configure(FileSystemContext context, string option)
    {
        int equals = option.IndexOf('=');
        if (equals < 0)
        {
            context.SetFlag(option);
        }
        else if (option.StartsWith("lowerdir=", StringComparison.Ordinal))
        {
            foreach (string layer in option[(equals + 1)..].Split(':'))
            {
                context.SetString("lowerdir+", layer);
            }
        }
        else
        {
            context.SetString(option[..equals], option[(equals + 1)..]);
        }
    }
}
