using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>newuidmap(1) and newgidmap(1): set-uid helpers that map what /etc/subuid and /etc/subgid grant a user.</summary>
internal static class MapHelper
{
    internal static void Run(string helper, int pid, IdMap[] ranges)
    {
        var arguments = new List<string> { helper, pid.ToString() };
        foreach (IdMap range in ranges)
        {
            arguments.Add(range.InsideId.ToString());
            arguments.Add(range.OutsideId.ToString());
            arguments.Add(range.Count.ToString());
        }

        string program = HostPrograms.Find(helper)
            ?? throw new ContainerException($"rootless containers with more than one id need {helper} (Debian: apt install uidmap)", Errno.ENOENT);
        using ClonedProcess process = new PreparedClone().ResetSignals().CloseRangeFrom(3).Execve(program, arguments, []).Start();
        ExitStatus status = process.PidFd.Wait();
        if (status.Code != 0)
        {
            throw new ContainerException($"{helper} failed with exit status {status.Code}: does /etc/sub{helper[3..6]} grant these ids?", Errno.EPERM);
        }
    }
}
