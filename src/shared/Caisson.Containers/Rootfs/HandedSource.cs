using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// The source of a bind mount for a container that another kernel makes: what that kernel cannot be trusted with (read-only) or cannot
/// do (map the ids of a shared file system) is in the tree already.
/// </summary>
public static class HandedSource
{
    /// <summary>Opens a detached tree. With mapped ids, the calling process must have one mutator thread: it clones.</summary>
    /// <param name="path">The source, absolute.</param>
    /// <param name="mount">The mount; null is the root file system, with the mounts below it.</param>
    /// <param name="linux">Whose user namespace gives the ids where the mount names none.</param>
    /// <exception cref="SyscallException">The path cannot be opened, or its file system's ids cannot be mapped.</exception>
    public static MountFd Open(string path, OciMount? mount, OciLinux? linux)
    {
        MountOptions options = MountOptions.Parse(mount?.Options ?? []);
        bool recursive = mount is null || options.Flags.HasFlag(MountFlags.MS_REC);
        MountFd tree = MountCalls.OpenTree(path, OpenTreeFlags.OPEN_TREE_CLONE | (recursive ? OpenTreeFlags.AT_RECURSIVE : 0));
        try
        {
            if (mount is not null)
            {
                Restrict(tree, mount, options, linux);
            }

            return tree;
        }
        catch
        {
            tree.Dispose();
            throw;
        }
    }

    /// <summary>The mount as the other kernel is to make it: without what has been done here.</summary>
    public static OciMount Remaining(OciMount mount)
    {
        ArgumentNullException.ThrowIfNull(mount);
        return mount with { Options = [.. Others(mount.Options)], UidMappings = [], GidMappings = [] };
    }

    private static void Restrict(MountFd tree, OciMount mount, MountOptions options, OciLinux? linux)
    {
        if (options.IsReadOnly)
        {
            MountCalls.SetAttributes(tree, MountAttributes.MOUNT_ATTR_RDONLY);
        }

        if ((options.RecursiveSet & MountAttributes.MOUNT_ATTR_RDONLY) != 0)
        {
            MountCalls.SetAttributes(tree, MountAttributes.MOUNT_ATTR_RDONLY, recursive: true);
        }

        if (mount.UidMappings.Count + mount.GidMappings.Count > 0 || options.IsIdMapped)
        {
            PreparedSource.MapIds(tree, mount, options, linux);
        }
    }

    private static IEnumerable<string> Others(SpecList<string> options)
    {
        foreach (string option in options)
        {
            if (option is not ("idmap" or "ridmap"))
            {
                yield return option;
            }
        }
    }
}
