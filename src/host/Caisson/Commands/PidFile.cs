using System.Globalization;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The file that engines read a pid from: they must never see it half written.</summary>
internal static class PidFile
{
    private const uint FileMode = 0x1A4; // 0644: the engine may be another user

    /// <summary>Writes beside the file and renames.</summary>
    /// <param name="path">The file, or null for none.</param>
    /// <param name="pid">The pid; no newline follows it, as runc writes it.</param>
    internal static void Write(string? path, int pid)
    {
        if (string.IsNullOrEmpty(path))
        {
            return;
        }

        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "." + Path.GetFileName(path));
        try
        {
            using (FileFd file = FileCalls.Open(beside, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, FileMode))
            {
                file.WriteAll(pid.ToString(CultureInfo.InvariantCulture));
            }

            FileCalls.Rename(beside, path);
        }
        catch (SyscallException cause)
        {
            FileCalls.TryRemove(beside, isDirectory: false, out _);
            throw new SandboxException($"--pid-file {path}: {Failure.Words(cause.Errno)}", cause);
        }
    }
}
