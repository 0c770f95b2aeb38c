using Caisson.Linux;

namespace Caisson.UnitTests.Linux.Terminals;

public sealed class TerminalTests
{
    [Fact]
    public void Pty_echoes_cooked_and_passes_raw()
    {
        using PtyMaster master = PtyMaster.Open();
        using TerminalFd slave = master.OpenSlave();
        Assert.True(Terminal.IsTerminal(slave));
        Assert.Equal($"/dev/pts/{master.Index}", FileCalls.ReadLink(slave.ProcPath));
        TerminalAttributes cooked = Terminal.MakeRaw(slave);

        master.WriteAll("\u0003\n");
        Assert.Equal([3, 10], ReadSome(slave));
        slave.WriteAll("a\n");
        Assert.Equal("a\n"u8.ToArray(), ReadSome(master));

        Terminal.SetAttributes(slave, cooked);
        slave.WriteAll("a\n");
        Assert.Equal("a\r\n"u8.ToArray(), ReadSome(master));
        Terminal.SetAttributes(slave, cooked.WithoutNewlineTranslation());
        slave.WriteAll("a\n");
        Assert.Equal("a\n"u8.ToArray(), ReadSome(master));
    }

    [Fact]
    public void Window_size_is_kept()
    {
        using PtyMaster master = PtyMaster.Open();
        using TerminalFd slave = master.OpenSlave();

        Terminal.SetSize(master, new WindowSize(50, 132));

        Assert.Equal(new WindowSize(50, 132), Terminal.GetSize(slave));
    }

    [Fact]
    public void Instance_of_its_own_starts_at_zero() => Scratch.InPrivateMounts(() =>
    {
        using FileSystemContext context = FileSystemContext.Open("devpts");
        context.SetString("ptmxmode", "0666");
        context.Create();
        using MountFd devpts = context.Mount();
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["pts"]);
        MountCalls.MoveMount(devpts, scratch["pts"]);

        using PtyMaster master = PtyMaster.Open(devpts);
        using TerminalFd slave = master.OpenSlave();

        Assert.Equal(0, master.Index);
        Assert.True(Terminal.IsTerminal(slave));
        MountCalls.Unmount(scratch["pts"], UnmountFlags.MNT_DETACH);
    });

    [Fact]
    public void Pipe_is_no_terminal()
    {
        using PipePair pipe = PipePair.Create();

        Assert.False(Terminal.IsTerminal(pipe.Read));
    }

    private static byte[] ReadSome(FileDescriptor fd)
    {
        byte[] buffer = new byte[100];
        return buffer[..fd.Read(buffer)];
    }
}
