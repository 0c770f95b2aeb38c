namespace Caisson.Linux;

/// <summary>The host's programs that ours starts: where they are looked for, and where they look for others.</summary>
public static class HostPrograms
{
    /// <summary>The variable PATH for what is to depend on no caller's environment.</summary>
    public const string UsualPath = "PATH=" + UsualDirectories;

    private const string UsualDirectories = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private const int ExecuteAccess = 1; // X_OK

    /// <summary>The path of a program in the directories of PATH and then in the usual ones: engines and services often give us no PATH.</summary>
    /// <param name="name">Its name, without a directory.</param>
    /// <returns>Null where this host has no such program.</returns>
    public static string? Find(string name) => Find(name, Environment.GetEnvironmentVariable("PATH"));

    /// <inheritdoc cref="Find(string)"/>
    /// <param name="name">Its name, without a directory.</param>
    /// <param name="path">The value of PATH.</param>
    internal static string? Find(string name, string? path)
    {
        foreach (string directory in $"{path}:{UsualDirectories}".Split(':'))
        {
            // A bundle is often the working directory, and not ours: empty and relative entries would start what lies in it.
            if (directory.StartsWith('/') && IsProgram($"{directory}/{name}"))
            {
                return $"{directory}/{name}";
            }
        }

        return null;
    }

    // A directory has x bits too.
    private static bool IsProgram(string path) =>
        FileCalls.TryStat(path, out FileStatus status, out _) && status.Type == FileType.Regular && FileCalls.TryAccess(path, ExecuteAccess, out _);
}
