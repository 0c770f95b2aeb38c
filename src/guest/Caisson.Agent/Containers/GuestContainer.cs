using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Agent;

/// <summary>One container of the guest. Its lock guards fields only, and is never held while something is waited for.</summary>
[SuppressMessage("Design", "CA1001", Justification = "RemoveAsync closes what it owns, in the order that the guest needs.")]
internal sealed partial class GuestContainer
{
    // Own limit: beyond it the kernel's pids limit would be the better answer.
    internal const int MaxExecs = 256;

    private readonly GuestSandbox _sandbox;
    private readonly OciSpec _spec;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, GuestProcess?> _execs = new(StringComparer.Ordinal);   // null: being started
    private ContainerPhase _phase = ContainerPhase.Creating;   // under _lock
    private bool _resumesToCreated;                            // under _lock: paused before its start
    private LaunchedContainer? _launched;                      // set once, with _init and _oom, before the phase is Created
    private GuestProcess? _init;
    private OomWatcher? _oom;

    internal GuestContainer(GuestSandbox sandbox, string id, OciSpec spec, IReadOnlyList<string> storages)
    {
        _sandbox = sandbox;
        Id = id;
        _spec = spec.Linux is { Resources: { } resources } linux
            ? spec with { Linux = linux with { Resources = GuestHugePages.Possible(resources) } }
            : spec;
        Storages = storages;
    }

    internal string Id { get; }

    /// <summary>The mount points it uses, to be given back when it is removed.</summary>
    internal IReadOnlyList<string> Storages { get; }

    /// <summary>The first one and the execs.</summary>
    internal int Processes => 1 + _execs.Count;

    // The kernel ends a pid namespace with its first process, and so the container; in a shared one that is somebody else's.
    private bool OwnsPids
    {
        get
        {
            foreach (LinuxNamespace ns in _spec.Linux?.Namespaces ?? [])
            {
                if (ns.Type == "pid")
                {
                    return string.IsNullOrEmpty(ns.Path);
                }
            }

            return false;
        }
    }

    private string Bundle => $"{GuestPlaces.Top}/{Id}";

    private GuestProcess Init => _init ?? throw Refusal.State("the container is being created");

    private Cgroup Cgroup => _launched?.Cgroup ?? throw Refusal.State("the container is being created");

    /// <summary>The first process (an empty id, or the container's own: Kata's convention) or an exec.</summary>
    internal GuestProcess Process(string execId) => execId.Length == 0 || execId == Id
        ? Init
        : _execs.TryGetValue(execId, out GuestProcess? exec)
            ? exec ?? throw Refusal.State($"exec {execId} is being started")
            : throw Refusal.NotFound($"container {Id} has no exec {execId}");

    /// <summary>A namespace of the first process, which is alive when this returns; the caller's.</summary>
    /// <param name="type">The kind, as /proc/PID/ns names it.</param>
    internal NamespaceFd OpenNamespace(string type)
    {
        GuestProcess init = Init;
        if (NamespaceFd.TryOpen($"/proc/{init.Pid}/ns/{type}", out NamespaceFd opened, out _) && init.IsAlive)
        {
            return opened;
        }

        opened.Dispose();
        throw Refusal.State($"container {Id} has ended, and its {type} namespace cannot be joined any more");
    }

    /// <summary>Makes the container. Blocks; call once.</summary>
    internal void Create()
    {
        FaultPoint.Hit(Fault.InCreate);
        using var shared = new SharedNamespaces();
        OciSpec spec = shared.Resolve(_sandbox, _spec);
        ProcessStreams streams = ProcessStreams.Create(_spec.Process?.Terminal == true);
        using OrphanReaper.Launch launch = _sandbox.Reaper.BeginLaunch();
        try
        {
            _launched = ContainerLauncher.Create(new ContainerRequest
            {
                Id = Id,
                Bundle = Bundle,
                Spec = spec,
                Streams = streams.Standard,
                ConsoleSocket = streams.ConsoleSocket,
                CgroupsPath = $"{GuestPlaces.Cgroups}/{Id}",
                CgroupLayout = _sandbox.Cgroups,
                Verb = _sandbox.InitVerb,
                DiesWithCreator = false,    // the creator is PID 1, and the thread means nothing
                OwnsKernel = true,
                OnPid = launch.Own,
                OnWarning = Warn,
            });
            _launched.Commit();
            streams.Connect();
        }
        catch
        {
            streams.Abandon();
            AbandonLaunch();
            throw;
        }

        launch.Keep();
        _init = new GuestProcess("", _launched.Pid, _launched.PidFd, streams, _sandbox.Reaper);
        _oom = OomWatcher.Start(Id, _launched.Cgroup!, _sandbox.OomEvents);
        if (!OwnsPids)
        {
            _ = EndWithInitAsync(_init, _launched.Cgroup!);
        }

        Move(ContainerPhase.Created);
        _sandbox.Supply.Later();
        FaultPoint.Hit(Fault.AfterCreate);
    }

    /// <summary>Lets the first process run its program. Blocks until the program has been executed.</summary>
    internal void Start()
    {
        Move(ContainerPhase.Starting);
        FaultPoint.Hit(Fault.InStart);
        try
        {
            _launched!.Start();
        }
        finally
        {
            // A program that cannot be executed ends the process, and that says it all.
            Move(ContainerPhase.Running);
        }

        FaultPoint.Hit(Fault.AfterStart);
    }

    /// <summary>Starts a further process. Blocks until its program has been executed.</summary>
    internal void Exec(string execId, OciProcess process)
    {
        CheckMayExec();
        _sandbox.CheckProcesses();
        if (_execs.Count >= MaxExecs)
        {
            throw Refusal.Limit($"container {Id} has {MaxExecs} execs whose exit codes were not taken");
        }

        if (execId == Id || !_execs.TryAdd(execId, null))
        {
            throw new Ttrpc.TtrpcException(Ttrpc.TtrpcCode.AlreadyExists, $"exec {execId} exists");
        }

        FaultPoint.Hit(Fault.InExec);
        try
        {
            _execs[execId] = StartExec(execId, process);
            _sandbox.Supply.Later();
        }
        catch
        {
            _execs.TryRemove(execId, out _);
            throw;
        }
    }

    /// <summary>The host has recorded an exec's exit code. Unknown ones were forgotten before.</summary>
    internal async Task AcknowledgeExitAsync(string execId)
    {
        if (execId.Length > 0 && execId != Id && _execs.TryGetValue(execId, out GuestProcess? exec) && exec is not null)
        {
            if (!exec.HasExited)
            {
                throw Refusal.State($"exec {execId} is running");
            }

            if (_execs.TryRemove(KeyValuePair.Create<string, GuestProcess?>(execId, exec)))
            {
                await exec.DisposeAsync();
                _sandbox.Supply.Now();
                _sandbox.Trim.Soon();
            }
        }
    }

    /// <summary>Signals one process, or with an empty id all of them.</summary>
    internal void Signal(string execId, int signal)
    {
        if (execId.Length == 0)
        {
            Cgroup.KillAll((Signal)signal);
            return;
        }

        GuestProcess process = Process(execId);
        if (process == Init && process.HasExited)
        {
            throw Refusal.State("container not running");
        }

        process.Signal(signal);
    }

    private GuestProcess StartExec(string execId, OciProcess process)
    {
        ProcessStreams streams = ProcessStreams.Create(process.Terminal);
        using OrphanReaper.Launch launch = _sandbox.Reaper.BeginLaunch();
        ContainerProcess? started = null;
        try
        {
            started = ContainerExec.Start(new ExecRequest
            {
                Id = Id,
                Bundle = Bundle,
                Spec = _spec,
                Process = process,
                InitPid = Init.Pid,
                Cgroup = Cgroup,
                Streams = streams.Standard,
                ConsoleSocket = streams.ConsoleSocket,
                Verb = _sandbox.InitVerb,
                DiesWithCreator = false,
                OnPid = launch.Own,
                OnWarning = Warn,
            });
            streams.Connect();
            launch.Keep();
            return new GuestProcess(execId, started.Pid, started.PidFd, streams, _sandbox.Reaper);
        }
        catch
        {
            streams.Abandon();
            if (started is not null)
            {
                _ = started.PidFd.TrySendSignal((int)Linux.Signal.SIGKILL, out _);
                _ = started.Wait();
                started.Dispose();
            }

            throw;
        }
    }

    private void CheckMayExec()
    {
        bool hasEnded = Init.HasExited;
        lock (_lock)
        {
            if (hasEnded || _phase == ContainerPhase.Removing)
            {
                throw Refusal.State("cannot exec in a stopped container");
            }

            if (_phase == ContainerPhase.Paused)
            {
                throw Refusal.State("cannot exec in a paused container (use --ignore-paused to override)");
            }
        }
    }

    private static async Task EndWithInitAsync(GuestProcess init, Cgroup cgroup)
    {
        await init.Exit;
        try
        {
            await Blocking.Run(() => cgroup.KillAll(Linux.Signal.SIGKILL));
        }
        catch (Exception gone) when (gone is SyscallException or CgroupException)
        {
            // Removed with the container meanwhile.
        }
    }

    private void AbandonLaunch()
    {
        if (_launched is { } launched)
        {
            launched.Abort();
            launched.Dispose();
            _launched = null;
        }
    }

    private ContainerPhase Move(ContainerPhase wanted)
    {
        bool hasEnded = _init?.HasExited == true;
        lock (_lock)
        {
            ContainerPhase before = _phase;
            _phase = ContainerPhases.Next(before, wanted, hasEnded);
            return before;
        }
    }

    private void Warn(string warning) => ConsoleLog.Detail($"container {Id}: {warning}");
}
