using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// Finds a workload's executable as execvp(3) would, inside the container and as the container's user, and says what is wrong
/// in runc's words: podman and Docker turn them into 127 and 126.
/// </summary>
internal static class ExecutableLookup
{
    private const int ExecuteAccess = 1;   // X_OK

    /// <summary>The path to execute.</summary>
    /// <param name="name">The first of <c>process.args</c>.</param>
    /// <param name="environment">The workload's environment, which holds PATH.</param>
    internal static string Find(string name, IReadOnlyList<string> environment)
    {
        if (name.Contains('/'))
        {
            return CheckExplicit(name);
        }

        Errno denied = Errno.None;
        foreach (string directory in (PathOf(environment) ?? "").Split(':'))
        {
            // An empty entry of PATH is the working directory, as in every shell.
            string candidate = $"{(directory.Length == 0 ? "." : directory)}/{name}";
            if (IsExecutable(candidate, out Errno why))
            {
                return candidate;
            }

            denied = why == Errno.EACCES ? why : denied;
        }

        throw new ContainerException(
            $"exec: \"{name}\": executable file not found in $PATH", denied == Errno.None ? Errno.ENOENT : denied);
    }

    private static string CheckExplicit(string path)
    {
        if (!FileCalls.TryStat(path, out _, out Errno missing))
        {
            throw ContainerException.Because($"exec: \"{path}\": stat {path}", missing);
        }

        return IsExecutable(path, out Errno why) ? path : throw ContainerException.Because($"exec: \"{path}\"", why);
    }

    // A directory has x bits too, and root passes any check of them unless no bit is set at all; a noexec mount is seen by access(2) only.
    private static bool IsExecutable(string path, out Errno why)
    {
        if (!FileCalls.TryStat(path, out FileStatus status, out why))
        {
            return false;
        }

        if (status.Type != FileType.Regular)
        {
            why = Errno.EACCES;
            return false;
        }

        return FileCalls.TryAccess(path, ExecuteAccess, out why);
    }

    private static string? PathOf(IReadOnlyList<string> environment)
    {
        const string Prefix = "PATH=";
        string? found = null;
        for (int i = 0; i < environment.Count; i++)
        {
            // The last one wins, as in Go's os.Setenv over the list.
            found = environment[i].StartsWith(Prefix, StringComparison.Ordinal) ? environment[i][Prefix.Length..] : found;
        }

        return found;
    }
}
