using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>Descriptors 0, 1 and 2 of a workload.</summary>
internal static class StandardIo
{
    private static readonly DeviceNumber s_null = new(1, 3);

    /// <summary>Puts the given streams in place; null keeps what is there.</summary>
    internal static void Use(StandardStreams? streams)
    {
        if (streams is null)
        {
            return;
        }

        // Copied above 2 first, or placing one could close another.
        using FileFd input = streams.Input.Duplicate();
        using FileFd output = streams.Output.Duplicate();
        using FileFd error = streams.Error.Duplicate();
        input.DuplicateTo(0);
        output.DuplicateTo(1);
        error.DuplicateTo(2);
    }

    /// <summary>
    /// Puts the container's own /dev/null in the place of the caller's, as runc does: no file of the host stays open, and CRIU, which
    /// must find each file by a path inside, can save the process. Where the container has none, the caller's stays.
    /// </summary>
    internal static void ReopenNull()
    {
        FileFd? own = null;
        for (int stream = 0; stream <= 2; stream++)
        {
            var fd = FileFd.FromNumber(stream);
            try
            {
                if (IsNull(fd))
                {
                    // An image may have anything of that name: nothing is waited for.
                    own ??= FileCalls.Open("/dev/null", OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);
                    if (IsNull(own))
                    {
                        own.DuplicateTo(stream);
                    }
                }
            }
            catch (SyscallException kept) when (kept.Errno is Errno.EBADF or Errno.ENOENT or Errno.ENOTDIR or Errno.EACCES or Errno.EPERM or Errno.ENXIO or Errno.EROFS or Errno.ELOOP)
            {
            }
            finally
            {
                _ = fd.Release();
            }
        }

        own?.Dispose();
    }

    private static bool IsNull(FileFd fd)
    {
        FileStatus status = FileCalls.Stat(fd);
        return status.Type == FileType.CharacterDevice && status.Node == s_null;
    }

    /// <summary>
    /// Gives the streams to the container's user, who could otherwise not open /dev/stdout again. Not /dev/null, which everybody
    /// shares, and not what is already his; where it cannot be done (read-only, another user namespace's) it stays.
    /// </summary>
    internal static void GiveTo(OciUser user)
    {
        for (int stream = 0; stream <= 2; stream++)
        {
            var fd = FileFd.FromNumber(stream);
            try
            {
                FileStatus status = FileCalls.Stat(fd);
                if (!IsNull(fd) && status.UserId != user.Uid)
                {
                    // The group stays: for a terminal it is devpts' gid option.
                    FileCalls.ChangeOwner(fd, user.Uid, status.GroupId);
                }
            }
            catch (SyscallException kept) when (kept.Errno is Errno.EBADF or Errno.EINVAL or Errno.EPERM or Errno.EROFS)
            {
            }
            finally
            {
                _ = fd.Release();
            }
        }
    }
}
