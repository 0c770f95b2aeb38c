using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Makes the mounts of a configuration, one after the other.</summary>
internal sealed class MountStep(InitRequest request, FileDescriptor root, List<string> readOnlyLater)
{
    internal void Mount(int index, OciMount mount)
    {
        try
        {
            MountOptions options = MountOptions.Parse(mount.Options);
            MountOne(index, mount, options);
        }
        catch (SyscallException cause)
        {
            throw new ContainerException($"{Describe(mount)}: {ContainerException.GoWords(cause.Errno)} [{cause.Call}]", cause.Errno, cause);
        }
        catch (ContainerException cause)
        {
            throw new ContainerException($"{Describe(mount)}: {cause.Message}", cause.Errno, cause);
        }
    }

    private void MountOne(int index, OciMount mount, MountOptions options)
    {
        if (options.IsBind || mount.Type == "bind")
        {
            Bind(index, mount, options);
            return;
        }

        switch (mount.Type)
        {
            case "proc" or "sysfs":
                using (PathFd target = MountTarget.OrdinaryDirectory(root, mount.Destination, mount.Type))
                {
                    MountNew(mount, options, target, options.Flags, options.Data);
                }

                break;
            case "tmpfs":
                MountTmpfs(mount, options);
                break;
            case "cgroup" or "cgroup2":
                new CgroupMounts(request, root).Mount(mount, options);
                Finish(mount, options);
                break;
            default:
                using (PathFd target = MountTarget.Directory(root, mount.Destination))
                {
                    MountNew(mount, options, target, options.Flags, options.Data);
                }

                break;
        }
    }

    private void Bind(int index, OciMount mount, MountOptions options)
    {
        if (options.MeaninglessOnBind is { Length: > 0 } meaningless)
        {
            request.Channel.SendWarning($"mount at {mount.Destination}: options of a whole file system mean nothing on a bind mount: {meaningless}");
        }

        using MountFd tree = OpenSource(index, mount, options);
        bool isDirectory = FileCalls.Stat(tree).Type == FileType.Directory;
        if (isDirectory && IsProc(mount.Destination))
        {
            RefuseFalseProc(mount, tree);
        }

        using PathFd target = isDirectory
            ? MountTarget.Directory(root, mount.Destination)
            : MountTarget.File(root, mount.Destination);
        MountCalls.MoveMount(tree, target);
        Propagate(tree, options);
    }

    private MountFd OpenSource(int index, OciMount mount, MountOptions options)
    {
        if (request.PreparedSources.TryGetValue(index, out MountFd? prepared))
        {
            return prepared;
        }

        if (!request.Container.MountSources.TryGetValue(index, out MountFd? tree))
        {
            tree = BindSource.Open(BindSource.PathOf(mount, request.Container.Bundle), options.Flags.HasFlag(MountFlags.MS_REC));
        }

        BindSource.Restrict(tree, options);
        return tree;
    }

    private void MountTmpfs(OciMount mount, MountOptions options)
    {
        bool existed = Rooted.TryOpenPath(root, mount.Destination, out PathFd existing, out _, OpenFlags.O_DIRECTORY);
        string data = options.Data;
        using (existing)
        {
            // A tmpfs that names no mode looks like the directory it covers.
            if (existed && options.FindData("mode") is null)
            {
                string mode = "mode=" + Convert.ToString(FileCalls.Stat(existing).Mode & 0xFFF, 8);
                data = data.Length == 0 ? mode : $"{data},{mode}";
            }
        }

        using PathFd target = MountTarget.Directory(root, mount.Destination);
        using DirectoryFd? covered = options.CopiesUp ? Rooted.OpenDirectory(target, "/") : null;

        // Read-only comes at the end: the copy, device nodes and the targets of later mounts have to be made first.
        MountNew(mount, options, target, options.Flags & ~MountFlags.MS_RDONLY, data);
        if (covered is not null)
        {
            using DirectoryFd mounted = Rooted.OpenDirectory(root, mount.Destination);
            TmpfsContent.Copy(covered, mounted);
        }

        if (options.IsReadOnly)
        {
            readOnlyLater.Add(mount.Destination);
        }
    }

    private void MountNew(OciMount mount, MountOptions options, PathFd target, MountFlags flags, string data)
    {
        data = MountLabel.AddTo(data, mount.Type, request.Container.Spec.Linux?.MountLabel);
        MountCalls.Mount(mount.Source ?? mount.Type ?? "none", target, mount.Type, flags & ~MountFlags.MS_REC, data.Length == 0 ? null : data);
        Finish(mount, options);
    }

    // The mount covers its target now: the same path leads to it.
    private void Finish(OciMount mount, MountOptions options)
    {
        if (options.Propagation.Count == 0 && (options.RecursiveSet | options.RecursiveClear) == 0)
        {
            return;
        }

        using PathFd mounted = MountTarget.Reopen(root, mount.Destination);
        if ((options.RecursiveSet | options.RecursiveClear) != 0)
        {
            MountCalls.SetAttributes(mounted, options.RecursiveSet, options.RecursiveClear, recursive: true);
        }

        Propagate(mounted, options);
    }

    private static void Propagate(FileDescriptor mounted, MountOptions options)
    {
        foreach (MountFlags propagation in options.Propagation)
        {
            MountCalls.Mount(null, mounted, null, propagation);
        }
    }

    // A directory bound to /proc must be a procfs: anything else would be trusted as one (CVE-2019-16884).
    private static void RefuseFalseProc(OciMount mount, MountFd tree)
    {
        if (FileSystemStatus.Of(tree).Type != FileSystemStatus.Proc)
        {
            throw new ContainerException($"\"{mount.Destination}\" cannot be mounted because it is not of type proc", Errno.EPERM);
        }
    }

    private static bool IsProc(string destination) => destination.TrimEnd('/') == "/proc";

    // runc's words, which tests of engines look for.
    private static string Describe(OciMount mount) =>
        $"error mounting \"{mount.Source ?? mount.Type}\" to rootfs at \"{mount.Destination}\"";
}
