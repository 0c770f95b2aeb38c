using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// A container whose init is prepared and waits: what <see cref="ContainerLauncher.Create"/> returns.
/// <see cref="Dispose"/> closes descriptors only; a container that nobody committed dies with its creator.
/// </summary>
public sealed class LaunchedContainer : IDisposable
{
    private readonly InitChannel _channel;
    private readonly CgroupPlace? _cgroup;
    private readonly bool _waitsOnFifo;
    private readonly bool _ownsPids;
    private bool _committed;
    private bool _reaped;

    internal LaunchedContainer(InitProcess init, CgroupPlace? cgroup, InitChannel channel, bool waitsOnFifo, bool ownsPids)
    {
        Pid = init.Pid;
        PidFd = init.PidFd;
        _cgroup = cgroup;
        _ownsPids = ownsPids;
        _channel = channel;
        _waitsOnFifo = waitsOnFifo;
    }

    /// <summary>Init's pid as the caller sees it.</summary>
    public int Pid { get; }

    /// <summary>Init's pidfd; readable once init has ended.</summary>
    public PidFd PidFd { get; }

    /// <summary>The container's cgroup, or null where it has none of its own.</summary>
    public Cgroup? Cgroup => _cgroup?.Cgroup;

    /// <summary>Whether the cgroup was there before the container, and may hold what is not the container's.</summary>
    public bool SharesCgroup => _cgroup?.WasThere ?? false;

    /// <summary>Init's pid and start time, for the state.</summary>
    public ProcessIdentity Identity => ProcessIdentity.Read(Pid);

    /// <summary>
    /// The state is written: init no longer dies with its creator, and, with a fifo, waits on it from here.
    /// Returns once that is so, so that the caller may end.
    /// </summary>
    /// <exception cref="ContainerException">Init has ended meanwhile.</exception>
    public void Commit()
    {
        _channel.Send(InitMessageKind.Commit);
        _channel.Expect(InitMessageKind.Committed);
        _committed = true;
        if (_waitsOnFifo)
        {
            _channel.Dispose();
        }
    }

    /// <summary>Lets a container without fifo run its workload; returns once the workload has been executed.</summary>
    /// <exception cref="ContainerException">The executable cannot be executed, or a startContainer hook failed.</exception>
    public void Start()
    {
        if (_waitsOnFifo)
        {
            throw new InvalidOperationException("this container waits on its fifo: use ContainerStarter.Start");
        }

        // Both at once where nothing is to happen in between: init reads one after the other without another turn of ours.
        bool committed = _committed;
        if (!committed)
        {
            _channel.Send(InitMessageKind.Commit);
        }

        _channel.Send(InitMessageKind.Start);
        if (!committed)
        {
            _channel.Expect(InitMessageKind.Committed);
            _committed = true;
        }

        _channel.ExpectEnd();
        _channel.Dispose();
    }

    /// <summary>Waits for init's end and reaps it. Only the creator can.</summary>
    public ExitStatus Wait()
    {
        ExitStatus status = ProcessWait.Wait(Pid);
        _reaped = true;
        return status;
    }

    /// <summary>Kills init unless it has ended, reaps it, and removes the cgroup if it was made here: for a caller that cannot finish what it began, or has nothing to keep.</summary>
    public void Abort()
    {
        if (!_reaped)
        {
            _ = PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
            _ = Wait();
        }

        _cgroup?.Undo(killsAll: !_ownsPids);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _channel.Dispose();
        PidFd.Dispose();
    }
}
