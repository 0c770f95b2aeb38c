using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>The device nodes and links of /dev that the runtime specification promises ("Default Devices", "Dev symbolic links").</summary>
internal static class DeviceNodes
{
    private static readonly LinuxDevice[] s_defaults =
    [
        Character("/dev/null", 1, 3),
        Character("/dev/zero", 1, 5),
        Character("/dev/full", 1, 7),
        Character("/dev/random", 1, 8),
        Character("/dev/urandom", 1, 9),
        Character("/dev/tty", 5, 0),
    ];

    private static readonly (string Name, string Target)[] s_links =
    [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];

    /// <summary>Makes the default devices, the configured ones and the links.</summary>
    /// <param name="root">The container's root.</param>
    /// <param name="devices"><c>linux.devices</c>.</param>
    /// <param name="mayMakeNodes">False in a user namespace, where mknod(2) is refused: the host's nodes are bound instead.</param>
    /// <param name="warn">Takes what a bound node cannot have.</param>
    internal static void Make(FileDescriptor root, SpecList<LinuxDevice> devices, bool mayMakeNodes, Action<string> warn)
    {
        foreach (LinuxDevice device in s_defaults)
        {
            if (!IsConfigured(devices, device.Path))
            {
                MakeOne(root, device, mayMakeNodes, warn);
            }
        }

        foreach (LinuxDevice device in devices)
        {
            // The container's own devpts provides it; the link below is made instead.
            if (device.Path != "/dev/ptmx")
            {
                MakeOne(root, device, mayMakeNodes, warn);
            }
        }

        MakeLinks(root);
    }

    private static void MakeOne(FileDescriptor root, LinuxDevice device, bool mayMakeNodes, Action<string> warn)
    {
        try
        {
            using RootedParent parent = Rooted.MakeParent(root, device.Path);
            if (!mayMakeNodes || !TryMakeNode(parent, device))
            {
                BindHostNode(root, device, warn);
            }
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"error creating device nodes: {device.Path}", cause);
        }
    }

    private static bool TryMakeNode(RootedParent parent, LinuxDevice device)
    {
        try
        {
            var number = new DeviceNumber((uint)device.Major, (uint)device.Minor);
            FileCalls.MakeNode(parent.Directory, parent.Name, TypeOf(device.Type), device.FileMode ?? 0x1B6 /* 0666 */, number);
            if ((device.Uid ?? 0) != 0 || (device.Gid ?? 0) != 0)
            {
                using PathFd made = FileCalls.OpenPathAt(parent.Directory, parent.Name);
                FileCalls.ChangeOwner(made, device.Uid ?? 0, device.Gid ?? 0);
            }

            return true;
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EEXIST)
        {
            return true;    // a bind-mounted or populated /dev: what is there was wanted
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EPERM)
        {
            return false;
        }
    }

    // The host's node of the same path, which may be another device than the one that is asked for, and whose mode and owner stay.
    private static void BindHostNode(FileDescriptor root, LinuxDevice device, Action<string> warn)
    {
        using MountFd node = MountCalls.OpenTree(device.Path, OpenTreeFlags.OPEN_TREE_CLONE);
        FileStatus status = FileCalls.Stat(node);
        bool isNumbered = device.Type != "p";
        if (status.Type != TypeOf(device.Type) || (isNumbered && status.Node != new DeviceNumber((uint)device.Major, (uint)device.Minor)))
        {
            throw new ContainerException(
                $"error creating device nodes: {device.Path}: nodes cannot be made here, and the host's at this path is not {device.Type} {device.Major}:{device.Minor}",
                Errno.EPERM);
        }

        const uint Permissions = 0xFFF;
        if (device.FileMode is { } mode && (mode & Permissions) != (status.Mode & Permissions))
        {
            warn($"device {device.Path}: nodes cannot be made here: it is the host's, whose mode {Convert.ToString(status.Mode & Permissions, 8)} stays");
        }

        using PathFd target = Rooted.MakeFile(root, device.Path, 0);
        MountCalls.MoveMount(node, target);
    }

    private static void MakeLinks(FileDescriptor root)
    {
        using PathFd dev = Rooted.MakeDirectories(root, "/dev", 0x1ED /* 0755 */);
        foreach ((string name, string target) in s_links)
        {
            MakeLink(dev, name, target);
        }

        if (Rooted.Exists(root, "/proc/kcore"))
        {
            MakeLink(dev, "core", "/proc/kcore");
        }

        // Whatever the image has there, the container's ptmx is that of its own devpts.
        _ = FileCalls.TryRemove(dev, "ptmx", isDirectory: false, out _);
        MakeLink(dev, "ptmx", "pts/ptmx");
    }

    private static void MakeLink(PathFd dev, string name, string target)
    {
        try
        {
            FileCalls.MakeSymbolicLink(target, dev, name);
        }
        catch (SyscallException cause) when (cause.Errno == Errno.EEXIST)
        {
            // An image may bring its own.
        }
    }

    private static bool IsConfigured(SpecList<LinuxDevice> devices, string path)
    {
        foreach (LinuxDevice device in devices)
        {
            if (device.Path == path)
            {
                return true;
            }
        }

        return false;
    }

    private static FileType TypeOf(string type) => type switch
    {
        "c" or "u" => FileType.CharacterDevice,
        "b" => FileType.BlockDevice,
        "p" => FileType.Fifo,
        _ => throw new ContainerException($"device type \"{type}\" is unknown", Errno.EINVAL),
    };

    private static LinuxDevice Character(string path, long major, long minor) =>
        new() { Type = "c", Path = path, Major = major, Minor = minor, FileMode = 0x1B6 /* 0666 */ };
}
