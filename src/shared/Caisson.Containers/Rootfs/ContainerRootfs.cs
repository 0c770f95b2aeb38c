using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// The container's root file system, from a detached copy to the root of init, in the order of the steps. Everything is done on
/// descriptors before the root is entered, while the host's /proc can be trusted and the image's cannot mislead.
/// </summary>
internal sealed class ContainerRootfs : IDisposable
{
    private readonly InitRequest _request;
    private readonly OciSpec _spec;
    private readonly MountFd _root;
    private readonly bool _isOnTop;
    private readonly List<string> _readOnlyLater = [];

    private ContainerRootfs(InitRequest request, MountFd root, bool isOnTop)
    {
        _isOnTop = isOnTop;
        _request = request;
        _spec = request.Container.Spec;
        _root = root;
    }

    /// <summary>The root directory; mounts below it are seen through it.</summary>
    internal FileDescriptor Root => _root;

    /// <summary>
    /// Separates the mount namespace from the host's and attaches the root file system: on top of "/", which covers nothing for a process
    /// whose root is below it, and needs no path that somebody else could change. Where hooks run before the root is entered, it is attached
    /// to the directory that it is a copy of: a hook that enters the namespace (setns(2) ends at the top of "/") finds the host's tree as it
    /// was, and the container's mounts where the bundle has its root file system, as with runc.
    /// </summary>
    internal static ContainerRootfs Attach(InitRequest request)
    {
        RootPropagation propagation = RootPropagation.Of(request.Container.Spec.Linux?.RootfsPropagation);
        try
        {
            propagation.Separate();
            MountFd root = Open(request);
            propagation.Separate(root);
            if (!RootPath.TryOpenPlace(request.Container, out PathFd? place))
            {
                MountCalls.MoveMount(root, "/");
                return new ContainerRootfs(request, root, isOnTop: true);
            }

            using (place)
            {
                propagation.Separate(place);
                MountCalls.MoveMount(root, place);
                return new ContainerRootfs(request, root, isOnTop: false);
            }
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"error preparing rootfs \"{request.Container.Spec.Root?.Path}\"", cause);
        }
    }

    private static MountFd Open(InitRequest request)
    {
        if (request.PreparedRootfs is { } prepared)
        {
            return prepared;
        }

        if (request.Container.Rootfs is not { } given)
        {
            return RootPath.Open(RootPath.Of(request.Container));
        }

        BindSource.Isolate(given);
        return given;
    }

    /// <summary><c>mounts</c>, in their order.</summary>
    internal void MountAll()
    {
        var mounter = new MountStep(_request, _root, _readOnlyLater);
        for (int index = 0; index < _spec.Mounts.Count; index++)
        {
            mounter.Mount(index, _spec.Mounts[index]);
        }
    }

    /// <summary>Device nodes and links, unless /dev is the host's own.</summary>
    internal void MakeDevices()
    {
        if (HasOwnDev())
        {
            bool mayMakeNodes = !_request.Namespaces.Has(NamespaceKinds.User);
            DeviceNodes.Make(_root, _spec.Linux?.Devices ?? [], mayMakeNodes, _request.Channel.SendWarning);
        }
    }

    /// <summary>A working directory that the image lacks is made, as runc does.</summary>
    internal void MakeWorkingDirectory()
    {
        string? path = _spec.Process?.Cwd;
        if (string.IsNullOrEmpty(path))
        {
            return;
        }

        try
        {
            Rooted.MakeDirectories(_root, path, 0x1ED /* 0755 */).Dispose();
        }
        catch (SyscallException)
        {
            // The change of directory says better what is wrong.
        }
    }

    /// <summary>What closes the root file system for good; after the hooks, which may still add to it.</summary>
    internal void Seal()
    {
        foreach (string destination in _readOnlyLater)
        {
            using PathFd mount = MountTarget.Reopen(_root, destination);
            MountCalls.SetAttributes(mount, MountAttributes.MOUNT_ATTR_RDONLY);
        }

        using (var hidden = HiddenPaths.Open(_root, _spec.Mounts))
        {
            hidden.MakeReadOnly(_spec.Linux?.ReadonlyPaths ?? []);
            hidden.Mask(_spec.Linux?.MaskedPaths ?? [], _spec.Linux?.MountLabel);
        }

        if (_spec.Root?.Readonly == true)
        {
            MountCalls.SetAttributes(_root, MountAttributes.MOUNT_ATTR_RDONLY);
        }
    }

    /// <summary>Makes it the root directory of this process.</summary>
    internal void Enter()
    {
        try
        {
            if (!_request.Namespaces.Has(NamespaceKinds.Mount))
            {
                RootEntry.ChangeRoot(_root);
            }
            else if (_request.Container.NoPivot)
            {
                RootEntry.StayOnTop(_root, _isOnTop);
            }
            else
            {
                MountCalls.PivotInto(_root);
            }

            RootPropagation.Of(_spec.Linux?.RootfsPropagation).ApplyToRoot();
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because("error jailing process inside rootfs", cause);
        }
    }

    public void Dispose() => _root.Dispose();

    private bool HasOwnDev()
    {
        foreach (OciMount mount in _spec.Mounts)
        {
            if (mount.Destination.TrimEnd('/') == "/dev" && MountOptions.Parse(mount.Options).IsBind)
            {
                return false;
            }
        }

        return true;
    }
}
