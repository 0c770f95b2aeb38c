using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct winsize.</summary>
/// <param name="Rows">Lines of text.</param>
/// <param name="Columns">Characters in a line.</param>
/// <param name="WidthPixels">Mostly 0.</param>
/// <param name="HeightPixels">Mostly 0.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct WindowSize(ushort Rows, ushort Columns, ushort WidthPixels = 0, ushort HeightPixels = 0);

/// <summary>The kernel's struct termios: the attributes of a terminal.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TerminalAttributes
{
    internal uint InputFlags;
    internal uint OutputFlags;
    internal uint ControlFlags;
    internal uint LocalFlags;
    internal byte LineDiscipline;
    internal ControlCharacters Characters;

    // NCCS of the kernel.
    [InlineArray(19)]
    internal struct ControlCharacters
    {
        private byte _first;
    }

    /// <summary>The attributes of raw mode, as cfmakeraw(3) makes them: bytes pass unchanged, one at a time.</summary>
    public readonly TerminalAttributes ToRaw()
    {
        // include/uapi/asm-generic/termbits.h: IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON; OPOST; ECHO ECHONL ICANON ISIG IEXTEN; CSIZE PARENB.
        const uint InputCooking = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
        const uint OPOST = 0x1;
        const uint LocalCooking = 0x8 | 0x40 | 0x2 | 0x1 | 0x8000;
        const uint CSIZE = 0x30;
        const uint PARENB = 0x100;
        const uint CS8 = 0x30;
        const int VTIME = 5;
        const int VMIN = 6;
        TerminalAttributes raw = this;
        raw.InputFlags &= ~InputCooking;
        raw.OutputFlags &= ~OPOST;
        raw.LocalFlags &= ~LocalCooking;
        raw.ControlFlags = (raw.ControlFlags & ~(CSIZE | PARENB)) | CS8;
        raw.Characters[VMIN] = 1;
        raw.Characters[VTIME] = 0;
        return raw;
    }

    /// <summary>The same with ONLCR off: a newline written is a newline read at the master.</summary>
    public readonly TerminalAttributes WithoutNewlineTranslation()
    {
        const uint ONLCR = 0x4;
        TerminalAttributes changed = this;
        changed.OutputFlags &= ~ONLCR;
        return changed;
    }
}

/// <summary>What can be done to a terminal, ioctl_tty(2); the descriptor may be a pty's master or slave, or an inherited one.</summary>
public static class Terminal
{
    private const ulong TCGETS = 0x5401;
    private const ulong TCSETS = 0x5402;
    private const ulong TIOCSCTTY = 0x540E;
    private const ulong TIOCGWINSZ = 0x5413;
    private const ulong TIOCSWINSZ = 0x5414;

    /// <summary>Whether a descriptor is a terminal.</summary>
    public static bool IsTerminal(FileDescriptor fd) => Libc.ioctl_getattr(fd, TCGETS, out _) == 0;

    /// <summary>The size of a terminal's window.</summary>
    public static WindowSize GetSize(FileDescriptor terminal)
    {
        Libc.Check(Libc.ioctl_getsize(terminal, TIOCGWINSZ, out WindowSize size), "ioctl(TIOCGWINSZ)");
        return size;
    }

    /// <summary>Sets the size; the foreground process group gets SIGWINCH if it changed.</summary>
    public static void SetSize(FileDescriptor terminal, WindowSize size) =>
        Libc.Check(Libc.ioctl_setsize(terminal, TIOCSWINSZ, in size), "ioctl(TIOCSWINSZ)");

    /// <summary>The attributes, to be given back to <see cref="SetAttributes"/> later.</summary>
    public static TerminalAttributes GetAttributes(FileDescriptor terminal)
    {
        Libc.Check(Libc.ioctl_getattr(terminal, TCGETS, out TerminalAttributes attributes), "ioctl(TCGETS)");
        return attributes;
    }

    /// <summary>Sets the attributes at once. A background process must block or ignore SIGTTOU.</summary>
    public static void SetAttributes(FileDescriptor terminal, TerminalAttributes attributes)
    {
        long result;
        do
        {
            result = Libc.ioctl_setattr(terminal, TCSETS, in attributes);
        }
        while (result < 0 && Libc.LastError == Errno.EINTR);

        Libc.Check(result, "ioctl(TCSETS)");
    }

    /// <summary>Makes a terminal raw.</summary>
    /// <returns>The attributes before.</returns>
    public static TerminalAttributes MakeRaw(FileDescriptor terminal)
    {
        TerminalAttributes before = GetAttributes(terminal);
        SetAttributes(terminal, before.ToRaw());
        return before;
    }

    /// <summary>Starts a session: no controlling terminal, process group of its own.</summary>
    /// <exception cref="SyscallException">EPERM: already leads a process group.</exception>
    public static void StartSession() => Libc.Check(Libc.setsid(), "setsid");

    /// <summary>Makes a terminal the controlling one of this session, which this process leads.</summary>
    public static void MakeControlling(FileDescriptor terminal) => Libc.Check(Libc.ioctl(terminal, TIOCSCTTY, 0), "ioctl(TIOCSCTTY)");
}
