using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Files;

public sealed class RootedTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Absolute_symlink_stays_inside_the_root()
    {
        Directory.CreateDirectory(_scratch["etc"]);
        File.WriteAllText(_scratch["etc/hostname"], "inside");
        File.CreateSymbolicLink(_scratch["link"], "/etc/hostname");

        using FileFd fd = Rooted.Open(_scratch.Root, "/link", OpenFlags.O_RDONLY);

        Assert.Equal("inside"u8.ToArray(), fd.ReadToEnd(100));
    }

    [Fact]
    public void Dot_dot_stops_at_the_root()
    {
        File.WriteAllText(_scratch["file"], "x");

        using PathFd fd = Rooted.OpenPath(_scratch.Root, "../../../../file");

        Assert.True(FileCalls.Stat(fd).IsSameFile(FileCalls.Stat(_scratch["file"])));
    }

    [Fact]
    public void Dangling_and_chained_symlinks_are_made_inside_the_root()
    {
        Directory.CreateDirectory(_scratch["var"]);
        File.CreateSymbolicLink(_scratch["var/run"], "/run");
        File.CreateSymbolicLink(_scratch["escape"], "../../../var/run/deep");

        using PathFd made = Rooted.MakeDirectories(_scratch.Root, "/escape/a/b", 0b111_000_101);

        Assert.Equal(FileCalls.Stat(made), FileCalls.Stat(_scratch["run/deep/a/b"]) with { MountId = FileCalls.Stat(made).MountId });
        Assert.Equal(0b111_000_101u, FileCalls.Stat(_scratch["run/deep/a"]).Mode);
        Assert.False(Directory.Exists("/run/deep"));
    }

    [Fact]
    public void Made_directories_have_exactly_the_mode_and_existing_ones_keep_theirs()
    {
        FileCalls.MakeDirectory(_scratch["old"], 0x1C0);

        using PathFd made = Rooted.MakeDirectories(_scratch.Root, "old/./new//newer", 0x3FF /* 01777 */);

        Assert.Equal(0x3FFu, FileCalls.Stat(made).Mode);
        Assert.Equal(0x1C0u, FileCalls.Stat(_scratch["old"]).Mode);
        using PathFd again = Rooted.MakeDirectories(_scratch.Root, "old/new/newer", 0x1C0);
        Assert.Equal(0x3FFu, FileCalls.Stat(again).Mode);
    }

    [Fact]
    public void Symlink_loop_and_file_in_the_way_are_refused()
    {
        File.CreateSymbolicLink(_scratch["loop"], "loop/x");
        File.WriteAllText(_scratch["file"], "");

        Assert.Equal(Errno.ELOOP, Assert.Throws<SyscallException>(() => Rooted.MakeDirectories(_scratch.Root, "loop/y", 0x1ED)).Errno);
        Assert.Equal(Errno.ENOTDIR, Assert.Throws<SyscallException>(() => Rooted.MakeDirectories(_scratch.Root, "file/y", 0x1ED)).Errno);
    }

    [Fact]
    public void Made_file_goes_through_a_dangling_symlink_but_not_out()
    {
        File.CreateSymbolicLink(_scratch["resolv.conf"], "/target");

        using PathFd made = Rooted.MakeFile(_scratch.Root, "/resolv.conf", 0x1A4);
        using PathFd deep = Rooted.MakeFile(_scratch.Root, "/a/b/c", 0x1A4);

        Assert.True(File.Exists(_scratch["target"]));
        Assert.True(File.Exists(_scratch["a/b/c"]));
        Assert.False(File.Exists("/target"));
    }

    [Fact]
    public void Nodes_and_links_are_made_below_a_resolved_parent()
    {
        Rooted.MakeNode(_scratch.Root, "/dev/null", FileType.CharacterDevice, 0x1B6, new DeviceNumber(1, 3));
        Rooted.MakeNode(_scratch.Root, "/dev/fifo", FileType.Fifo, 0x1B6);
        Rooted.MakeSymbolicLink(_scratch.Root, "/dev/fd", "/proc/self/fd");

        FileStatus node = FileCalls.Stat(_scratch["dev/null"]);
        Assert.Equal(FileType.CharacterDevice, node.Type);
        Assert.Equal(0x1B6u, node.Mode);
        Assert.Equal(new DeviceNumber(1, 3), node.Node);
        Assert.Equal("/proc/self/fd", Rooted.ReadLink(_scratch.Root, "dev/fd"));
        Assert.Throws<SyscallException>(() => Rooted.MakeSymbolicLink(_scratch.Root, "/dev/fd", "x"));
        Rooted.Remove(_scratch.Root, "/dev/fd");
        Assert.False(Rooted.Exists(_scratch.Root, "/dev/fd"));
    }

    [Fact]
    public void Magic_links_are_refused()
    {
        using DirectoryFd root = DirectoryFd.Open("/");

        bool opened = Rooted.TryOpenPath(root, "/proc/self/root/etc", out PathFd fd, out Errno why);

        fd.Dispose();
        Assert.False(opened);
        Assert.Equal(Errno.ELOOP, why);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("a/..")]
    [InlineData(".")]
    public void Path_without_a_last_name_has_no_parent(string path) =>
        Assert.Equal(Errno.EINVAL, Assert.Throws<SyscallException>(() => Rooted.OpenParent(_scratch.Root, path)).Errno);
}
