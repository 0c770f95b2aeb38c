using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Mounts;

public sealed class MountTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Tmpfs_is_mounted_onto_a_descriptor_and_seen_in_mountinfo() => Scratch.InPrivateMounts(() =>
    {
        Directory.CreateDirectory(_scratch["with space"]);
        using DirectoryFd root = DirectoryFd.Open(_scratch.Path);    // in this mount namespace
        using PathFd target = Rooted.OpenPath(root, "with space");

        MountCalls.Mount("tmpfs", target, "tmpfs", MountFlags.MS_NOSUID | MountFlags.MS_NODEV, "size=64k");

        MountInfo mount = Assert.Single(MountInfo.Read(), m => m.MountPoint == _scratch["with space"]);
        Assert.Equal("tmpfs", mount.Type);
        Assert.Contains("nosuid", mount.Options);
        Assert.Contains("size=64k", mount.SuperOptions);
        FileSystemStatus status = FileSystemStatus.Of(_scratch["with space"]);
        Assert.Equal(FileSystemStatus.Tmpfs, status.Type);
        Assert.Equal(65536u, status.SizeBytes);
        Assert.True(status.MountFlags.HasFlag(MountFlags.MS_NOSUID | MountFlags.MS_NODEV));
        MountCalls.Unmount(_scratch["with space"]);
    });

    [Fact]
    public void Detached_clone_is_made_read_only_and_attached_by_descriptors() => Scratch.InPrivateMounts(() =>
    {
        Directory.CreateDirectory(_scratch["from"]);
        Directory.CreateDirectory(_scratch["to"]);
        using DirectoryFd root = DirectoryFd.Open(_scratch.Path);    // in this mount namespace
        using PathFd source = Rooted.OpenPath(root, "from");
        using PathFd target = Rooted.OpenPath(root, "to");

        using MountFd tree = MountCalls.OpenTree(source);
        MountCalls.SetAttributes(
            tree,
            MountAttributes.MOUNT_ATTR_RDONLY | MountAttributes.MOUNT_ATTR_NOATIME,
            propagation: MountPropagation.Private,
            recursive: true);
        MountCalls.MoveMount(tree, target);

        File.WriteAllText(_scratch["from/file"], "x");
        Assert.Equal("x", File.ReadAllText(_scratch["to/file"]));
        Assert.False(FileCalls.TryMakeDirectory(_scratch["to/new"], 0x1ED, out Errno why));
        Assert.Equal(Errno.EROFS, why);
        Assert.Contains("noatime", Assert.Single(MountInfo.Read(), m => m.MountPoint == _scratch["to"]).Options);
    });

    [Fact]
    public void File_system_context_makes_a_mount_and_explains_refusals() => Scratch.InPrivateMounts(() =>
    {
        using FileSystemContext context = FileSystemContext.Open("tmpfs");
        context.SetString("size", "1m");
        SyscallException refused = Assert.Throws<SyscallException>(() => context.SetString("sise", "1m"));
        Assert.Contains("sise", refused.Message);
        context.Create();
        using MountFd mount = context.Mount(MountAttributes.MOUNT_ATTR_NOEXEC);
        Directory.CreateDirectory(_scratch["m"]);
        MountCalls.MoveMount(mount, _scratch["m"]);
        using FileSystemContext again = FileSystemContext.Pick(mount);
        again.SetFlag("ro");
        again.Reconfigure();

        Assert.False(FileCalls.TryMakeDirectory(_scratch["m/x"], 0x1ED, out Errno why));
        Assert.Equal(Errno.EROFS, why);
    });

    [Fact]
    public void Pivot_takes_the_old_root_away() => Scratch.InPrivateMounts(() =>
    {
        string root = _scratch["root"];
        Directory.CreateDirectory(root);
        MountCalls.Mount("tmpfs", root, "tmpfs", 0);
        File.WriteAllText(root + "/marker", "here");
        using DirectoryFd newRoot = DirectoryFd.Open(root);

        MountCalls.PivotInto(newRoot);

        Assert.Equal("here", SmallFile.ReadText("/marker"));
        Assert.False(FileCalls.TryStat("/etc", out _, out _));
        using DirectoryFd here = DirectoryFd.Open(".");
        Assert.True(FileCalls.Stat(here).IsSameFile(FileCalls.Stat(newRoot)));
    });

    [Fact]
    public void Wrong_mount_says_what_and_why()
    {
        SyscallException refused = Assert.Throws<SyscallException>(() => MountCalls.Mount("none", _scratch["missing"], "tmpfs", 0));

        Assert.Equal(Errno.ENOENT, refused.Errno);
        Assert.Contains("missing", refused.Message);
    }

    [Fact]
    public void Mountinfo_escapes_are_undone_and_broken_lines_refused()
    {
        byte[] content = """
            36 35 98:0 /mnt\0401 /mnt2\011a\134b rw,noatime shared:5 master:1 - ext3 /dev/my\040root rw,errors=continue
            37 36 0:22 / /proc rw - proc proc rw

            """u8.ToArray();

        IReadOnlyList<MountInfo> mounts = MountInfo.Parse(content);

        Assert.Equal(2, mounts.Count);
        Assert.Equal("/mnt 1", mounts[0].Root);
        Assert.Equal("/mnt2\ta\\b", mounts[0].MountPoint);
        Assert.Equal("/dev/my root", mounts[0].Source);
        Assert.True(mounts[0].IsShared && mounts[0].IsSlave);
        Assert.False(mounts[1].IsShared);
        Assert.Equal(new DeviceNumber(98, 0), mounts[0].Device);
        Assert.Throws<FormatException>(() => MountInfo.Parse("36 35 98:0 / / rw shared:5 ext3\n"u8));
        Assert.Throws<FormatException>(() => MountInfo.Parse("36 35 98:99999999999 / / rw - ext3 x rw\n"u8));
        Assert.Throws<FormatException>(() => MountInfo.Parse("36 35 98 / / rw - ext3 x rw\n"u8));
        Assert.Throws<FormatException>(() => MountInfo.Parse("36 99999999999 98:0 / / rw - ext3 x rw\n"u8));
    }
}
