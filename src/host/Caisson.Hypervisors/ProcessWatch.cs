using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>A process of a machine, followed by its pidfd until its end; reaped if it is our child.</summary>
internal sealed class ProcessWatch : IDisposable
{
    private const int SigKill = 9;

    private readonly PidFd _pidFd;

    private ProcessWatch(PidFd pidFd, ProcessIdentity identity)
    {
        _pidFd = pidFd;
        Identity = identity;
        Ended = WaitAsync();
    }

    internal ProcessIdentity Identity { get; }

    /// <summary>Completes at its end, with null if the status went to another parent.</summary>
    internal Task<ExitStatus?> Ended { get; }

    /// <summary>Follows a child just started.</summary>
    internal static ProcessWatch OfChild(ClonedProcess child) => new(child.PidFd, ProcessIdentity.Read(child.Pid));

    /// <summary>Follows a process that an earlier supervisor started.</summary>
    /// <exception cref="HypervisorException">It is not running any more.</exception>
    internal static ProcessWatch OfRecord(string name, ProcessIdentity identity)
    {
        // The identity is compared after the pidfd is open: from then on the pid cannot pass to another process unnoticed.
        if (PidFd.TryOpen(identity.Pid, out PidFd? pidFd, out _))
        {
            if (identity.IsAlive)
            {
                return new ProcessWatch(pidFd, identity);
            }

            pidFd.Dispose();
        }

        throw new HypervisorException("attach", $"{name}, pid {identity.Pid}, is not running any more");
    }

    /// <summary>Kills it, if it is there still.</summary>
    internal void Kill()
    {
        if (!_pidFd.IsClosed)
        {
            // ESRCH: it is gone, which is what was wanted.
            _ = _pidFd.TrySendSignal(SigKill, out _);
        }
    }

    /// <summary>Lets go of the process; it lives on.</summary>
    public void Dispose()
    {
        EventLoop.Shared.Forget(_pidFd);
        _pidFd.Dispose();
    }

    private async Task<ExitStatus?> WaitAsync()
    {
        try
        {
            while (!_pidFd.HasEnded)
            {
                await EventLoop.Shared.Ready(_pidFd, PollEvents.In, CancellationToken.None).ConfigureAwait(false);
            }

            return _pidFd.TryWait(out ExitStatus status) ? status : null;
        }
        catch (SyscallException notOurs) when (notOurs.Errno == Errno.ECHILD)
        {
            return null;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }
}
