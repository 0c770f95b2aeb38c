namespace Caisson.Linux;

/// <summary>A child just cloned: its pid in the caller's pid namespace, and a pidfd that can never mean another process.</summary>
public sealed class ClonedProcess : IDisposable
{
    internal ClonedProcess(int pid, PidFd pidFd)
    {
        Pid = pid;
        PidFd = pidFd;
    }

    /// <summary>The child's pid as the caller sees it.</summary>
    public int Pid { get; }

    /// <summary>The child's pidfd: readable for poll(2) once the child has ended.</summary>
    public PidFd PidFd { get; }

    /// <summary>Closes the pidfd. The child is neither killed nor reaped.</summary>
    public void Dispose() => PidFd.Dispose();
}
