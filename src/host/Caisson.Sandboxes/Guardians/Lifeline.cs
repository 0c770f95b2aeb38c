using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>
/// A fifo in the sandbox's directory by which keepers learn that nobody will dial them any more: supervisor and guardian hold it open for
/// writing, keepers for reading. When the last writer is gone, readers see a hang-up.
/// </summary>
internal static class Lifeline
{
    private const string Name = "lifeline";

    internal static void Create(string sandboxDirectory)
    {
        using DirectoryFd directory = DirectoryFd.Open(sandboxDirectory);
        FileCalls.MakeNode(directory, Name, FileType.Fifo, 0x180 /* 0600 */);
    }

    /// <summary>A writer's end. Opened for reading too, so that it does not wait for a reader (fifo(7)).</summary>
    internal static FileFd Hold(string sandboxDirectory) =>
        FileCalls.Open($"{sandboxDirectory}/{Name}", OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);

    /// <summary>A reader's end.</summary>
    internal static FileFd Watch(string sandboxDirectory) =>
        FileCalls.Open($"{sandboxDirectory}/{Name}", OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK);

    /// <summary>The same, where there may be none.</summary>
    internal static bool TryWatch(string sandboxDirectory, out FileFd lifeline) =>
        FileCalls.TryOpen($"{sandboxDirectory}/{Name}", OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, out lifeline, out _);

    /// <summary>Whether a supervisor or a guardian lives. Nothing is ever written, so a read finds the end, or nobody who has ended it (pipe(7)).</summary>
    internal static bool IsHeld(FileFd lifeline) =>
        !lifeline.TryRead(stackalloc byte[1], out _, out Errno why) && why == Errno.EAGAIN;
}
