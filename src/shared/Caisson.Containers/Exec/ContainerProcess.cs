using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>A process started in a container; a child of the caller.</summary>
public sealed class ContainerProcess : IDisposable
{
    internal ContainerProcess(int pid, PidFd pidFd)
    {
        Pid = pid;
        PidFd = pidFd;
    }

    /// <summary>The pid as the caller sees it.</summary>
    public int Pid { get; }

    /// <summary>Readable once the process has ended.</summary>
    public PidFd PidFd { get; }

    /// <summary>The pid with its start time, for a state.</summary>
    public ProcessIdentity Identity => ProcessIdentity.Read(Pid);

    /// <summary>Waits for the end and reaps.</summary>
    public ExitStatus Wait() => ProcessWait.Wait(Pid);

    /// <summary>Closes the pidfd; the process goes on.</summary>
    public void Dispose() => PidFd.Dispose();
}
