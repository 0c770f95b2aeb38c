using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// A mount of type cgroup: the container's view of its cgroups. With a cgroup namespace it is a fresh mount, whose root the kernel puts at the
/// container's cgroup; without one that part of the host's tree is bound. With v1 it is one mount for each hierarchy, in a small tmpfs.
/// </summary>
internal sealed class CgroupMounts(InitRequest request, FileDescriptor root)
{
    internal void Mount(OciMount mount, MountOptions options)
    {
        // Without a cgroup of its own the container still sees the hierarchies, at the place it shares with its creator.
        CgroupLayout layout = request.Cgroup?.Use() ?? CgroupLayout.Discover();
        if (layout.Mode == CgroupMode.Unified)
        {
            using PathFd target = MountTarget.Directory(root, mount.Destination);
            MountUnified(layout.Unified!, target, options.Flags);
            return;
        }

        MountLegacy(layout, mount.Destination, options);
    }

    private void MountUnified(CgroupHierarchy hierarchy, PathFd target, MountFlags flags)
    {
        MountFlags wanted = flags & ~MountFlags.MS_REC;
        if (request.Namespaces.Has(NamespaceKinds.Cgroup)
            && MountCalls.TryMount("cgroup", target.ProcPath, "cgroup2", wanted, null, out _))
        {
            return;
        }

        // In a user namespace without a cgroup namespace the kernel refuses a new mount (EPERM), and the bound host's tree is as good.
        Bind(hierarchy, target, wanted);
    }

    private void MountLegacy(CgroupLayout layout, string destination, MountOptions options)
    {
        using (PathFd covered = MountTarget.Directory(root, destination))
        {
            MountFlags flags = MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;
            MountCalls.Mount("tmpfs", covered, "tmpfs", flags, "mode=755");
        }

        using PathFd top = MountTarget.Reopen(root, destination);
        foreach (CgroupHierarchy hierarchy in layout.Hierarchies)
        {
            MountHierarchy(hierarchy, top, options.Flags & ~MountFlags.MS_REC);
        }

        if (options.IsReadOnly)
        {
            MountCalls.SetAttributes(top, MountAttributes.MOUNT_ATTR_RDONLY);
        }
    }

    private void MountHierarchy(CgroupHierarchy hierarchy, PathFd top, MountFlags flags)
    {
        string name = Path.GetFileName(hierarchy.MountPoint);
        if (!FileCalls.TryMakeDirectory(top, name, 0x1ED /* 0755 */, out Errno why) && why != Errno.EEXIST)
        {
            throw ContainerException.Because($"mkdir {name} among the cgroups", why);
        }

        using PathFd target = Rooted.OpenPath(top, name, OpenFlags.O_DIRECTORY);
        if (!request.Namespaces.Has(NamespaceKinds.Cgroup))
        {
            Bind(hierarchy, target, flags);
        }
        else if (hierarchy.IsV2)
        {
            MountUnified(hierarchy, target, flags);
        }
        else
        {
            MountCalls.Mount("cgroup", target, "cgroup", flags, ControllerData(hierarchy));
        }

        // cpu and cpuacct of a hierarchy that is mounted as cpu,cpuacct.
        foreach (string controller in hierarchy.Controllers)
        {
            if (controller != name && hierarchy.Controllers.Count > 1)
            {
                FileCalls.MakeSymbolicLink(name, top, controller);
            }
        }
    }

    private static string ControllerData(CgroupHierarchy hierarchy)
    {
        string controllers = string.Join(',', hierarchy.Controllers);

        // A named hierarchy has no controller; "none" says that this is meant.
        return controllers.StartsWith("name=", StringComparison.Ordinal) ? "none," + controllers : controllers;
    }

    private void Bind(CgroupHierarchy hierarchy, PathFd target, MountFlags flags)
    {
        string source = request.Cgroup is { } cgroup ? hierarchy.Resolve(cgroup.Path) : hierarchy.MountPoint + hierarchy.OwnPath;
        using MountFd tree = MountCalls.OpenTree(source, OpenTreeFlags.OPEN_TREE_CLONE);
        MountAttributes attributes = MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV | MountAttributes.MOUNT_ATTR_NOEXEC;
        attributes |= (flags & MountFlags.MS_RDONLY) != 0 ? MountAttributes.MOUNT_ATTR_RDONLY : 0;
        MountCalls.SetAttributes(tree, attributes);
        MountCalls.MoveMount(tree, target);
    }
}
