using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>What <c>exec</c> asks of a backend.</summary>
public sealed record ExecOrder
{
    /// <summary>The process, complete: the command line merged with the container's own configuration.</summary>
    public required OciProcess Process { get; init; }

    public string? ConsoleSocket { get; init; }

    /// <summary>Told of the process's pid on the host once it runs: the moment to write the pid file.</summary>
    public Action<int>? Started { get; init; }

    public bool Detach { get; init; }

    public int PreserveFds { get; init; }

    /// <summary>Whether a paused container is no reason to refuse.</summary>
    public bool IgnorePaused { get; init; }

    /// <summary>Existing cgroups below the container's to run in: <c>[controller[,controller]:]path</c>.</summary>
    public IReadOnlyList<string> Cgroups { get; init; } = [];

    public bool NoSubreaper { get; init; }

    /// <summary>Tells of the process; one that nobody was told of does not run on.</summary>
    internal void Announce(ContainerProcess process)
    {
        try
        {
            Started?.Invoke(process.Pid);
        }
        catch
        {
            process.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
            process.Wait();
            throw;
        }
    }
}
