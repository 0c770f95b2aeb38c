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
}
