namespace Caisson.Linux;

/// <summary>Tells when the kernel runs out of memory in a cgroup. The descriptor can be polled together with others.</summary>
public sealed class OomWatch : IDisposable
{
    private readonly FileFd? _events; // v2: memory.events
    private readonly EventFd? _counter; // v1
    private readonly FileFd? _control; // v1: keeps the registration's file open
    private readonly string _directory;
    private ulong _seen; // owned by the one caller of TryTake

    private OomWatch(string directory, FileFd? events, EventFd? counter, FileFd? control)
    {
        _directory = directory;
        _events = events;
        _counter = counter;
        _control = control;
        _seen = events is null ? 0 : CountKills();
    }

    /// <summary>What to poll.</summary>
    public FileDescriptor Descriptor => _counter is not null ? _counter : _events!;

    /// <summary>For which events.</summary>
    public PollEvents Events => _counter is not null ? PollEvents.In : PollEvents.Priority;

    internal static OomWatch Legacy(string directory)
    {
        EventFd counter = EventFd.Create();
        FileFd control = FileCalls.Open($"{directory}/memory.oom_control", OpenFlags.O_RDONLY);
        CgroupFile.Write(directory, "cgroup.event_control", $"{counter.Number} {control.Number}");
        return new OomWatch(directory, null, counter, control);
    }

    internal static OomWatch Unified(string directory) =>
        new(directory, FileCalls.Open($"{directory}/memory.events", OpenFlags.O_RDONLY), null, null);

    /// <summary>Whether it happened since the last call. When the v1 cgroup is removed, the descriptor reports once more without a cause.</summary>
    public bool TryTake()
    {
        if (_counter is not null)
        {
            // The kernel also rings when the cgroup is removed; then the file is gone.
            return _counter.TryTake(out _) && CgroupFile.TryRead(_directory, "memory.oom_control", out _, out _);
        }

        CgroupFile.TakeNote(_events!);
        ulong now = CountKills();
        bool more = now > _seen;
        _seen = now;
        return more;
    }

    /// <summary>Waits on the loop until it happens, or until the cgroup is removed.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False: the cgroup was removed.</returns>
    public async ValueTask<bool> WaitAsync(EventLoop loop, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(loop);
        while (true)
        {
            await loop.Ready(Descriptor, Events, cancellationToken).ConfigureAwait(false);
            if (TryTake())
            {
                return true;
            }

            if (!FileCalls.TryStat(_directory, out _, out _))
            {
                return false;
            }
        }
    }

    /// <summary>Ends the watch.</summary>
    public void Dispose()
    {
        _events?.Dispose();
        _counter?.Dispose();
        _control?.Dispose();
    }

    private ulong CountKills() => CountKills(_directory, "memory.events");

    internal static ulong CountKills(string directory, string file) =>
        CgroupFile.TryRead(directory, file, out string text, out _) ? KeyedFile.Find(text, "oom_kill") ?? 0 : 0;
}

public sealed partial class Cgroup
{
    /// <summary>How many of its processes the kernel has killed for lack of memory; 0 once it is removed.</summary>
    public ulong CountOomKills() => IsUnified
        ? OomWatch.CountKills(_paths[UnifiedKey], "memory.events")
        : OomWatch.CountKills(Require("memory", "counting OOM kills"), "memory.oom_control");

    /// <summary>Starts to watch for lack of memory.</summary>
    public OomWatch WatchOom() => IsUnified ? OomWatch.Unified(_paths[UnifiedKey]) : OomWatch.Legacy(Require("memory", "OOM notification"));
}
