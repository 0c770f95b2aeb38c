using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>newuidmap(1) and newgidmap(1): set-uid helpers that map what /etc/subuid and /etc/subgid grant a user.</summary>
internal static class MapHelper
{
    // Engines give us no PATH; these are where shadow-utils installs.
    private static readonly string[] s_directories = ["/usr/bin", "/bin", "/usr/local/bin", "/sbin", "/usr/sbin"];

    internal static void Run(string helper, int pid, IdMap[] ranges)
    {
        var arguments = new List<string> { helper, pid.ToString() };
        foreach (IdMap range in ranges)
        {
            arguments.Add(range.InsideId.ToString());
            arguments.Add(range.OutsideId.ToString());
            arguments.Add(range.Count.ToString());
        }

        using ClonedProcess process = new PreparedClone().ResetSignals().CloseRangeFrom(3).Execve(Find(helper), arguments, []).Start();
        ExitStatus status = process.PidFd.Wait();
        if (status.Code != 0)
        {
            throw new ContainerException($"{helper} failed with exit status {status.Code}: does /etc/sub{helper[3..6]} grant these ids?", Errno.EPERM);
        }
    }

    private static string Find(string helper)
    {
        foreach (string directory in s_directories)
        {
            if (FileCalls.TryAccess($"{directory}/{helper}", 1 /* X_OK */, out _))
            {
                return $"{directory}/{helper}";
            }
        }

        throw new ContainerException($"rootless containers with more than one id need {helper} (Debian: apt install uidmap)", Errno.ENOENT);
    }
}
