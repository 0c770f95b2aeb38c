namespace Caisson.Linux;

/// <summary>A terminal's side that programs use: a pty's slave, or whatever our own stdin is.</summary>
public sealed class TerminalFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public TerminalFd()
    {
    }

    /// <summary>Takes ownership of an inherited or received number.</summary>
    public static TerminalFd FromNumber(int number)
    {
        var fd = new TerminalFd();
        fd.Adopt(number);
        return fd;
    }
}

/// <summary>A pty's master: what a console program holds.</summary>
public sealed class PtyMaster : FileDescriptor
{
    private const ulong TIOCSPTLCK = 0x40045431;
    private const ulong TIOCGPTN = 0x80045430;
    private const ulong TIOCGPTPEER = 0x5441;

    /// <summary>An empty owner.</summary>
    public PtyMaster()
    {
    }

    /// <summary>The slave's name below its devpts instance.</summary>
    public int Index
    {
        get
        {
            Libc.Check(Libc.ioctl_out_int(this, TIOCGPTN, out int index), "ioctl(TIOCGPTN)");
            return index;
        }
    }

    /// <summary>Takes ownership of an inherited or received number.</summary>
    public static PtyMaster FromNumber(int number)
    {
        var fd = new PtyMaster();
        fd.Adopt(number);
        return fd;
    }

    /// <summary>A new unlocked pty of this process's /dev/ptmx.</summary>
    public static PtyMaster Open()
    {
        var master = new PtyMaster();
        Descriptors.Open(master, null, "/dev/ptmx", OpenFlags.O_RDWR | OpenFlags.O_NOCTTY, 0);
        return master.Unlock();
    }

    /// <summary>A new unlocked pty of one devpts instance: a container's, named by its mount or directory.</summary>
    public static PtyMaster Open(FileDescriptor devpts)
    {
        var master = new PtyMaster();
        Rooted.Fill(master, devpts, "ptmx", OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_NOFOLLOW, 0, 0);
        return master.Unlock();
    }

    /// <summary>The other side. By descriptor (TIOCGPTPEER): a path could lead into another mount namespace's devpts.</summary>
    public TerminalFd OpenSlave()
    {
        var slave = new TerminalFd();
        OpenFlags flags = OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC;
        slave.Adopt(Libc.Check(Libc.ioctl(this, TIOCGPTPEER, (nint)(uint)flags), "ioctl(TIOCGPTPEER)"));
        return slave;
    }

    private PtyMaster Unlock()
    {
        int unlocked = 0;
        Libc.Check(Libc.ioctl_int(this, TIOCSPTLCK, in unlocked), "ioctl(TIOCSPTLCK)");
        return this;
    }
}
