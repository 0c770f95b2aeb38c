using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// <c>tmpcopyup</c>: copies what a directory of the image holds into the tmpfs that now covers it. Names are opened one by one below
/// descriptors and never followed.
/// </summary>
internal static class TmpfsContent
{
    // Deeper than any image's directory, and far below where recursion would hurt.
    private const int MaxDepth = 256;
    private const int BufferBytes = 64 * 1024;

    internal static void Copy(DirectoryFd from, DirectoryFd to) => Copy(from, to, new byte[BufferBytes], 0);

    private static void Copy(DirectoryFd from, DirectoryFd to, byte[] buffer, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new ContainerException($"tmpcopyup: directories nested deeper than {MaxDepth}", Errno.ELOOP);
        }

        // The magic link leads to the covered directory itself, whatever is mounted over it.
        foreach (string path in Directory.EnumerateFileSystemEntries(from.ProcPath))
        {
            CopyEntry(from, to, Path.GetFileName(path), buffer, depth);
        }
    }

    private static void CopyEntry(DirectoryFd from, DirectoryFd to, string name, byte[] buffer, int depth)
    {
        if (!FileCalls.TryStatAt(from, name, out FileStatus status, out _))
        {
            return;
        }

        switch (status.Type)
        {
            case FileType.Directory:
                CopyDirectory(from, to, name, status, buffer, depth);
                break;
            case FileType.Regular:
                CopyFile(from, to, name, status, buffer);
                break;
            case FileType.SymbolicLink:
                FileCalls.MakeSymbolicLink(FileCalls.ReadLink(from, name), to, name);
                KeepOwner(to, name, status);
                break;
            default:
                FileCalls.MakeNode(to, name, status.Type, status.Mode, status.Node);
                KeepOwner(to, name, status);
                break;
        }
    }

    private static void CopyDirectory(DirectoryFd from, DirectoryFd to, string name, FileStatus status, byte[] buffer, int depth)
    {
        using DirectoryFd source = FileCalls.OpenDirectory(from, name);
        if (!FileCalls.TryMakeDirectory(to, name, 0x1C0 /* 0700 until filled */, out Errno why))
        {
            throw ContainerException.Because($"tmpcopyup: mkdir {name}", why);
        }

        using DirectoryFd target = FileCalls.OpenDirectory(to, name);
        Copy(source, target, buffer, depth + 1);
        FileCalls.ChangeOwner(target, status.UserId, status.GroupId);
        FileCalls.ChangeMode(target, status.Mode & 0xFFF);
    }

    private static void CopyFile(DirectoryFd from, DirectoryFd to, string name, FileStatus status, byte[] buffer)
    {
        using FileFd source = FileCalls.OpenAt(from, name, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
        using FileFd target = FileCalls.OpenAt(to, name, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0x180 /* 0600 */);
        int count;
        while ((count = source.Read(buffer)) > 0)
        {
            target.WriteAll(buffer.AsSpan(0, count));
        }

        // The owner first: changing it clears set-id bits.
        FileCalls.ChangeOwner(target, status.UserId, status.GroupId);
        FileCalls.ChangeMode(target, status.Mode & 0xFFF);
    }

    private static void KeepOwner(DirectoryFd directory, string name, FileStatus status)
    {
        using PathFd made = FileCalls.OpenPathAt(directory, name);
        FileCalls.ChangeOwner(made, status.UserId, status.GroupId);
    }
}
