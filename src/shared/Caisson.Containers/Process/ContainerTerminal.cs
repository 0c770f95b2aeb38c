using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>A terminal from the container's own devpts, whose master goes to the console socket.</summary>
internal static class ContainerTerminal
{
    // DEVPTS_SUPER_MAGIC (include/uapi/linux/magic.h).
    private const long Devpts = 0x1cd1;

    /// <summary>Makes the terminal and sends its master, without waiting for an answer: engines accept the connection after create has ended.</summary>
    /// <param name="root">The container's root.</param>
    /// <param name="process">The process that gets the terminal.</param>
    /// <param name="consoleSocket">Where the master goes.</param>
    /// <param name="raw">Makes the terminal raw before its master is sent: afterwards the engine changes its settings, and the last one wins.</param>
    /// <returns>The slave.</returns>
    internal static TerminalFd Open(FileDescriptor root, OciProcess process, UnixSocket? consoleSocket, bool raw)
    {
        if (consoleSocket is null)
        {
            throw new ContainerException("cannot allocate tty if runc will detach without setting console socket", Errno.EINVAL);
        }

        using PtyMaster master = OpenMaster(root);
        if (process.ConsoleSize is { } size)
        {
            Terminal.SetSize(master, new WindowSize((ushort)size.Height, (ushort)size.Width));
        }

        TerminalFd slave = master.OpenSlave();
        if (raw)
        {
            _ = Terminal.MakeRaw(slave);
        }

        consoleSocket.SendMessage(Encoding.UTF8.GetBytes("/dev/ptmx"), master);
        return slave;
    }

    /// <summary>
    /// Shows the terminal as /dev/console. The node is the one that was opened, never a path to it; and where /dev/console leads to a
    /// file of procfs, by an image or a neighbour, it is refused (CVE-2025-52565).
    /// </summary>
    internal static void BindConsole(FileDescriptor root, TerminalFd slave)
    {
        using MountFd node = MountCalls.OpenTree(slave, OpenTreeFlags.OPEN_TREE_CLONE);
        using PathFd console = MountTarget.File(root, "/dev/console", 0x1B6 /* 0666 */);
        MountCalls.MoveMount(node, console);
    }

    /// <summary>Standard streams and controlling terminal of this process, a session leader.</summary>
    internal static void Use(TerminalFd slave)
    {
        for (int stream = 0; stream <= 2; stream++)
        {
            slave.DuplicateTo(stream);
        }

        Terminal.MakeControlling(slave);
    }

    private static PtyMaster OpenMaster(FileDescriptor root)
    {
        try
        {
            using DirectoryFd pts = Rooted.OpenDirectory(root, "/dev/pts");
            return FileSystemStatus.Of(pts).Type == Devpts
                ? PtyMaster.Open(pts)
                : throw new ContainerException("terminal: /dev/pts of the container is not a devpts: add that mount to the configuration", Errno.ENODEV);
        }
        catch (SyscallException cause)
        {
            throw ContainerException.Because("terminal: open /dev/pts/ptmx of the container", cause);
        }
    }
}
