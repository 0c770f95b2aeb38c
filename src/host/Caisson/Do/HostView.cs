using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// The host's root file system as <c>do</c> shows it: each mount below an overlay whose upper layer is in a tmpfs of bounded size, or
/// read-only. It is put together in a mount namespace of this process's own, so a kill leaves nothing mounted: one empty directory
/// remains, which the journal knows.
/// </summary>
internal sealed class HostView : IDisposable
{
    private const uint DirectoryMode = 0x1ED; // 0755

    private readonly string _place;
    private readonly Journal _journal;

    private HostView(string place, Journal journal)
    {
        _place = place;
        _journal = journal;
    }

    /// <summary>The root's path; of this mount namespace only.</summary>
    internal string Root => Path.Combine(_place, "root");

    /// <param name="directory">The container's record directory.</param>
    /// <param name="journal">Its journal.</param>
    /// <param name="size">How much may be written, as tmpfs takes it.</param>
    /// <param name="readOnly">Whether nothing may.</param>
    internal static HostView Build(string directory, Journal journal, string size, bool readOnly)
    {
        string place = Path.Combine(directory, "host");
        journal.Intend(new Intent(IntentKind.Directory, place));
        FileCalls.MakeDirectory(place, DirectoryMode);
        var view = new HostView(place, journal);
        try
        {
            NamespaceCalls.Unshare(NamespaceKinds.Mount);
            // Slave: what the host mounts or unmounts later is followed, and nothing of ours gets out.
            MountCalls.SetPropagation("/", MountPropagation.Slave, recursive: true);
            view.Compose(size, readOnly);
            return view;
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }

    /// <summary>A detached copy of the whole view: to be found by a process that could not walk the path to it.</summary>
    internal MountFd Open() => MountCalls.OpenTree(Root);

    /// <summary>Takes it down. May be called twice.</summary>
    public void Dispose()
    {
        MountCalls.TryUnmount(_place, UnmountFlags.MNT_DETACH | UnmountFlags.UMOUNT_NOFOLLOW, out _);
        if (FileCalls.TryRemove(_place, isDirectory: true, out _))
        {
            _journal.Done(new Intent(IntentKind.Directory, _place));
        }
    }

    private void Compose(string size, bool readOnly)
    {
        // The host's mounts as they are before ours, opened now: what is mounted over them later is not meant.
        List<HostMount> mounts = HostMount.Select(_place);
        MountCalls.Mount("caisson-do", _place, "tmpfs", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, $"mode=0700,size={size}");
        MountCalls.SetPropagation(_place, MountPropagation.Private, recursive: false);
        FileCalls.MakeDirectory(Root, DirectoryMode);
        for (int i = 0; i < mounts.Count; i++)
        {
            using HostMount mount = mounts[i];
            Show(mount, i, readOnly);
        }
    }

    private void Show(HostMount mount, int index, bool readOnly)
    {
        string target = mount.Point == "/" ? Root : Root + mount.Point;
        bool writable = !readOnly && mount.IsDirectory;
        try
        {
            using MountFd shown = writable ? Overlay(mount, index) : ReadOnly(mount);
            MountCalls.MoveMount(shown, target);
        }
        catch (SyscallException cause)
        {
            throw new SandboxException(
                $"do: show {mount.Point} ({mount.Type}): {cause.Message}{(writable ? "; with --ro no overlay is needed" : "")}", cause);
        }
    }

    private static MountFd ReadOnly(HostMount mount)
    {
        MountFd copy = MountCalls.OpenTree(mount.Tree, OpenTreeFlags.OPEN_TREE_CLONE);
        MountCalls.SetAttributes(copy, MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV);
        return copy;
    }

    // Layers are named by descriptors: a path with a colon or a comma cannot be written into overlay's options.
    private MountFd Overlay(HostMount mount, int index)
    {
        string upper = Path.Combine(_place, $"{index}.upper");
        string work = Path.Combine(_place, $"{index}.work");
        FileStatus top = FileCalls.Stat(mount.Tree);
        FileCalls.MakeDirectory(upper, top.Mode);
        FileCalls.MakeDirectory(work, DirectoryMode);
        using (DirectoryFd opened = DirectoryFd.Open(upper))
        {
            FileCalls.ChangeOwner(opened, top.UserId, top.GroupId);
        }

        using FileSystemContext overlay = FileSystemContext.Open("overlay");
        overlay.SetString("source", "caisson-do");
        overlay.SetString("lowerdir", mount.Tree.ProcPath);
        overlay.SetString("upperdir", upper);
        overlay.SetString("workdir", work);
        overlay.Create();
        return overlay.Mount(MountAttributes.MOUNT_ATTR_NOSUID | MountAttributes.MOUNT_ATTR_NODEV);
    }
}
