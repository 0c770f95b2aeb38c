using Caisson.Linux;
using Caisson.Protocol;

namespace Caisson.Agent;

/// <summary>Files that the host writes into the sandbox's place, whole or in pieces (Kata's CopyFile).</summary>
internal static class FileCopy
{
    // Own limit: memory of the guest holds the file.
    private const long MaxFileBytes = 64L * 1024 * 1024;

    private const uint TypeMask = 0xF000;        // S_IFMT
    private const uint DirectoryType = 0x4000;   // S_IFDIR
    private const uint LinkType = 0xA000;        // S_IFLNK
    private const uint RegularType = 0x8000;     // S_IFREG

    /// <summary>Writes a piece beside the target, and puts the file in place when it is whole. Blocks.</summary>
    internal static void Copy(CopyFileRequest request)
    {
        string path = RelativePath(request.Path);
        using DirectoryFd top = DirectoryFd.Open(GuestPlaces.Top);
        uint directoryMode = request.DirMode == 0 ? 0x1ED /* 0755 */ : request.DirMode & 0xFFF;
        switch (request.FileMode & TypeMask)
        {
            case DirectoryType:
                using (PathFd made = Rooted.MakeDirectories(top, path, directoryMode))
                {
                    Finish(made, request);
                }

                break;
            case LinkType:
                using (Rooted.MakeParent(top, path, directoryMode))
                {
                    Rooted.MakeSymbolicLink(top, path, request.Data.ToStringUtf8());
                }

                break;
            case RegularType or 0:
                CopyRegular(top, path, directoryMode, request);
                break;
            default:
                throw Refusal.Invalid("CopyFile makes files, directories and symlinks only");
        }
    }

    /// <summary>The path below the sandbox's place. Walking it cannot leave that place; this refuses what was meant to.</summary>
    internal static string RelativePath(string path) =>
        path.StartsWith(GuestPlaces.Top + "/", StringComparison.Ordinal) && path.Length > GuestPlaces.Top.Length + 1
            ? path[GuestPlaces.Top.Length..]
            : throw Refusal.Invalid($"files are copied below {GuestPlaces.Top} only, not to \"{path}\"");

    private static void CopyRegular(DirectoryFd top, string path, uint directoryMode, CopyFileRequest request)
    {
        if (request.FileSize is < 0 or > MaxFileBytes || request.Offset < 0 || request.Offset > request.FileSize - request.Data.Length)
        {
            throw Refusal.Invalid($"CopyFile: {request.Data.Length} bytes at {request.Offset} of a file of {request.FileSize}; at most {MaxFileBytes} are taken");
        }

        using RootedParent parent = Rooted.MakeParent(top, path, directoryMode);
        string unfinished = parent.Name + ".tmp";
        OpenFlags flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW | (request.Offset == 0 ? OpenFlags.O_TRUNC : 0);
        using FileFd file = FileCalls.OpenAt(parent.Directory, unfinished, flags, 0x180 /* 0600 */);
        FileStatus status = FileCalls.Stat(file);
        if ((long)status.Size != request.Offset)
        {
            throw Refusal.State($"CopyFile: {status.Size} bytes of {path} have arrived, and this piece begins at {request.Offset}");
        }

        using FileFd end = FileCalls.Open(file.ProcPath, OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
        end.WriteAll(request.Data.Span);
        if (request.Offset + request.Data.Length == request.FileSize)
        {
            Finish(file, request);
            if (!FileCalls.TryRename(parent.Directory, unfinished, parent.Directory, parent.Name, 0, out Errno why))
            {
                throw new SyscallException($"rename({path})", why);
            }
        }
    }

    private static void Finish(FileDescriptor file, CopyFileRequest request)
    {
        FileCalls.ChangeOwner(file, (uint)request.Uid, (uint)request.Gid);
        FileCalls.ChangeMode(file.ProcPath, request.FileMode & 0xFFF);
    }
}
