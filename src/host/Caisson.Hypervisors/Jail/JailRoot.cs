using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// A root file system in memory that holds the given files and nothing else. Its directories are real ones: where the host has
/// a symlink in a path, as /lib in a merged /usr, the jail has a directory with the same files.
/// </summary>
internal static class JailRoot
{
    // Only directories and empty mount targets live in it.
    private const string SizeLimit = "1m";
    private const uint PrivateDevice = 0x180;    // 0600
    private const uint PublicDevice = 0x1B6;     // 0666

    /// <summary>Builds the root and moves the process into it. The host's tree is gone afterwards.</summary>
    internal static void Enter(JailInstructions instructions)
    {
        // Private, or what is mounted here would appear on the host.
        MountCalls.SetPropagation("/", MountPropagation.Private, recursive: true);

        // Taken before the new root hides whatever lies below its mount point.
        List<(string Path, bool IsDirectory, MountFd Tree)> trees = OpenTrees(instructions.Files);
        try
        {
            using MountFd root = Mount(instructions.RootMountPoint!);
            foreach ((string path, bool isDirectory, MountFd tree) in trees)
            {
                using PathFd target = isDirectory ? Rooted.MakeDirectories(root, path, 0x1ED) : Rooted.MakeFile(root, path, 0x1A4);
                MountCalls.MoveMount(tree, target);
            }

            foreach (string device in instructions.Devices)
            {
                MakeDevice(root, device, instructions.Identity);
            }

            MountCalls.PivotInto(root);
            MountCalls.SetAttributes(
                root, MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NOEXEC);
        }
        finally
        {
            trees.ForEach(tree => tree.Tree.Dispose());
        }
    }

    private static List<(string Path, bool IsDirectory, MountFd Tree)> OpenTrees(IReadOnlyList<string> files)
    {
        var trees = new List<(string, bool, MountFd)>(files.Count);
        foreach (string path in files)
        {
            // Not recursive: what happens to be mounted below a firmware directory is none of the jail's.
            MountFd tree = MountCalls.OpenTree(path, OpenTreeFlags.OPEN_TREE_CLONE);
            MountCalls.SetAttributes(
                tree, MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV);
            trees.Add((path, FileCalls.Stat(tree).Type == FileType.Directory, tree));
        }

        return trees;
    }

    private static MountFd Mount(string mountPoint)
    {
        using FileSystemContext context = FileSystemContext.Open("tmpfs");
        context.SetString("size", SizeLimit);
        context.SetString("mode", "0755");
        context.Create();
        MountFd root = context.Mount(MountAttributes.MOUNT_ATTR_NOSUID);
        MountCalls.MoveMount(root, mountPoint);
        return root;
    }

    // A node of its own instead of a bind mount: the host's /dev/kvm belongs to root and group kvm, this one to the jailed user.
    private static void MakeDevice(MountFd root, string path, JailIdentity? owner)
    {
        FileStatus host = FileCalls.Stat(path);
        bool isPublic = (host.Mode & PublicDevice) == PublicDevice;
        Rooted.MakeNode(root, path, FileType.CharacterDevice, isPublic ? PublicDevice : PrivateDevice, host.Node);
        if (owner is { } identity && !isPublic)
        {
            using PathFd node = Rooted.OpenPath(root, path);
            FileCalls.ChangeOwner(node, identity.Uid, identity.Gid);
        }
    }
}
