using System.Diagnostics.CodeAnalysis;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// Sources of bind mounts that the creator opens: for a new user namespace, whose root may not reach them, and with mapped ids,
/// which only the creator may ask for.
/// </summary>
internal static class PreparedSource
{
    /// <summary>Does init see other paths than its creator, or see them with other rights?</summary>
    internal static bool IsNeeded(NamespacePlan namespaces) =>
        UserIds.EffectiveUser == 0
        && (namespaces.Creates(NamespaceKinds.User) || namespaces.JoinsAny(NamespaceKinds.User | NamespaceKinds.Mount));

    internal static bool TryOpen(ContainerRequest request, NamespacePlan namespaces, int index, [NotNullWhen(true)] out MountFd? source)
    {
        source = null;
        OciMount mount = request.Spec.Mounts[index];
        bool mapsIds = mount.UidMappings.Count + mount.GidMappings.Count > 0;
        MountOptions options = MountOptions.Parse(mount.Options);
        if ((!options.IsBind && mount.Type != "bind") || (!mapsIds && !options.IsIdMapped && !IsNeeded(namespaces)))
        {
            return false;
        }

        try
        {
            source = Open(request, index, mount, options, mapsIds);
            return true;
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because($"error mounting \"{mount.Source}\" to rootfs at \"{mount.Destination}\"", cause);
        }
    }

    private static MountFd Open(ContainerRequest request, int index, OciMount mount, MountOptions options, bool mapsIds)
    {
        MountFd tree = request.MountSources.TryGetValue(index, out MountFd? given)
            ? given
            : BindSource.Open(BindSource.PathOf(mount, request.Bundle), options.Flags.HasFlag(MountFlags.MS_REC));
        BindSource.Restrict(tree, options);
        BindSource.Isolate(tree);
        if (mapsIds || options.IsIdMapped)
        {
            MapIds(tree, mount, options, request.Spec.Linux);
        }

        return tree;
    }

    /// <summary>Maps the ids of a tree: by the mount's own mappings, and without those by the container's.</summary>
    internal static void MapIds(MountFd tree, OciMount mount, MountOptions options, OciLinux? linux)
    {
        bool hasOwn = mount.UidMappings.Count + mount.GidMappings.Count > 0;
        using NamespaceFd ids = hasOwn
            ? UserMaps.OpenNamespace(mount.UidMappings, mount.GidMappings)
            : UserMaps.OpenNamespace(linux?.UidMappings ?? [], linux?.GidMappings ?? []);
        MountCalls.SetAttributes(tree, 0, recursive: options.IsIdMappedRecursively, userNamespace: ids);
    }
}
