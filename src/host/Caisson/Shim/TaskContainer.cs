using Caisson.Containers;
using Caisson.Linux;
using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>
/// One container of a shim: its processes and what containerd may do to them. What changes the container takes its turn; signals, states
/// and waits do not, and so never wait behind a command that hangs.
/// </summary>
internal sealed class TaskContainer : IDisposable
{
    private const uint OwnerMayReadWrite = 0x180; // 0600

    // From the end of a container until its watch for lack of memory has seen it too.
    private static readonly TimeSpan s_causePatience = TimeSpan.FromSeconds(5);

    private readonly ShimContext _context;
    private readonly RuntimeCommands _commands;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskProcess> _execs = [];      // under _lock
    private readonly IReadOnlyList<string> _createFlags;
    private readonly string _checkpoint;        // empty for a container that begins anew
    private readonly CallsUnderWay _kills = new();
    private readonly TaskCompletionSource _memoryWatched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _paused;
    private int _mounts;

    internal TaskContainer(ShimContext context, ShimSettings settings, CreateTaskRequest request)
    {
        _context = context;
        Settings = settings;
        _createFlags = settings.CreateFlags;
        _checkpoint = request.Checkpoint;
        _commands = new RuntimeCommands(settings, request.Bundle, context.Reaper);
        Id = request.Id;
        Bundle = request.Bundle;
        Init = new TaskProcess(Id, "", new StreamNames(request.Stdin, request.Stdout, request.Stderr, request.Terminal), null);
    }

    internal string Id { get; }

    internal string Bundle { get; }

    internal ShimSettings Settings { get; }

    internal TaskProcess Init { get; }

    internal bool IsPaused => _paused;

    private string Rootfs => Path.Combine(Bundle, "rootfs");

    /// <summary>The init, or an exec.</summary>
    /// <exception cref="TtrpcException">There is no such exec.</exception>
    internal TaskProcess Find(string execId)
    {
        if (execId.Length == 0)
        {
            return Init;
        }

        lock (_lock)
        {
            return _execs.GetValueOrDefault(execId) ?? throw new TtrpcException(TtrpcCode.NotFound, $"process {execId} does not exist in task {Id}");
        }
    }

    /// <summary>Mounts the root file system and creates the container; on failure nothing is left.</summary>
    internal async Task CreateAsync(IReadOnlyList<RootfsMount> rootfs, CancellationToken cancellationToken)
    {
        try
        {
            Settings.Save(Bundle);
            Mount(rootfs);
            Init.Streams = await ProcessStreams.OpenAsync(Init.Names, Settings.IoOwner, _context.Namespace, Id, _context.Reaper, cancellationToken);
            if (_checkpoint.Length == 0)
            {
                await LaunchInitAsync(["create"], cancellationToken);
            }
        }
        catch
        {
            await UndoAsync();
            throw;
        }
    }

    private async Task LaunchInitAsync(string[] command, CancellationToken cancellationToken)
    {
        ClonedChild child = await _commands.LaunchAsync(
            [.. command, "--bundle", Bundle, .. _createFlags, .. Init.Streams!.CommandFlags, Id], Init.Streams.ForCommand(), cancellationToken);
        Init.Has(child);
        WatchMemory();
        _ = WatchAsync(Init, child);
        await Init.Streams.BegunAsync(cancellationToken);
    }

    // What was saved goes on as soon as it is restored: that is its start.
    private async Task RestoreAsync(CancellationToken cancellationToken)
    {
        var command = new List<string> { "restore", "--detach", "--image-path", _checkpoint };
        ShimOptions.Add(command, "--work-path", Settings.CriuWorkPath);
        await LaunchInitAsync([.. command], cancellationToken);
    }

    internal async Task StartAsync(TaskProcess process, CancellationToken cancellationToken)
    {
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        process.BeginStart();
        bool started = false;
        try
        {
            if (process.IsInit)
            {
                await (_checkpoint.Length > 0 ? RestoreAsync(cancellationToken) : _commands.RunAsync(["start", Id], cancellationToken));
                _context.Events?.Publish("/tasks/start", "TaskStart", new TaskStart { ContainerId = Id, Pid = (uint)process.Pid });
            }
            else
            {
                await StartExecAsync(process, cancellationToken);
                _context.Events?.Publish(
                    "/tasks/exec-started", "TaskExecStarted", new TaskExecStarted { ContainerId = Id, ExecId = process.ExecId, Pid = (uint)process.Pid });
            }

            started = true;
        }
        finally
        {
            process.EndStart(started);
        }
    }

    internal void AddExec(TaskProcess exec)
    {
        lock (_lock)
        {
            if (!_execs.TryAdd(exec.ExecId, exec))
            {
                throw new TtrpcException(TtrpcCode.AlreadyExists, $"id {exec.ExecId} exists already in task {Id}");
            }
        }

        _context.Events?.Publish("/tasks/exec-added", "TaskExecAdded", new TaskExecAdded { ContainerId = Id, ExecId = exec.ExecId });
    }

    internal async Task KillAsync(TaskProcess process, uint signal, bool all, CancellationToken cancellationToken)
    {
        if (!process.IsInit)
        {
            process.Signal(signal);
            return;
        }

        if (process.Phase == TaskPhase.Stopped && !all)
        {
            throw new TtrpcException(TtrpcCode.NotFound, "process already finished");
        }

        using IDisposable underWay = _kills.Begin();
        try
        {
            string number = signal.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await _commands.RunAsync(all ? ["kill", "--all", Id, number] : ["kill", Id, number], cancellationToken);
        }
        catch (SandboxException cause) when (cause.Message.Contains("not running", StringComparison.Ordinal))
        {
            throw new TtrpcException(TtrpcCode.NotFound, "process already finished", cause);
        }
    }

    internal async Task PauseAsync(CancellationToken cancellationToken)
    {
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        await _commands.RunAsync(["pause", Id], cancellationToken);
        _paused = true;
        _context.Events?.Publish("/tasks/paused", "TaskPaused", new TaskNotice { ContainerId = Id });
    }

    internal async Task ResumeAsync(CancellationToken cancellationToken)
    {
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        await _commands.RunAsync(["resume", Id], cancellationToken);
        _paused = false;
        _context.Events?.Publish("/tasks/resumed", "TaskResumed", new TaskNotice { ContainerId = Id });
    }

    internal async Task UpdateAsync(ByteString resources, CancellationToken cancellationToken)
    {
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        await WithFileAsync(resources, file => _commands.RunAsync(["update", "--resources", file, Id], cancellationToken));
    }

    internal async Task CheckpointAsync(string path, Any? options, CancellationToken cancellationToken)
    {
        List<string> flags = ShimOptions.ForCheckpoint(options, Settings.CriuWorkPath);
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        await _commands.RunAsync(["checkpoint", "--image-path", path, .. flags, Id], cancellationToken);
    }

    /// <summary>Removes an exec that has ended, or that was never started.</summary>
    internal async Task DeleteExecAsync(TaskProcess exec)
    {
        RequireNotRunning(exec);
        if (exec.Streams is { } streams)
        {
            await streams.DisposeAsync();
        }

        lock (_lock)
        {
            _execs.Remove(exec.ExecId);
        }
    }

    /// <summary>Removes the container, which has ended or was never started, and its root file system's mounts.</summary>
    internal async Task DeleteAsync(CancellationToken cancellationToken)
    {
        using IDisposable turn = await TakeTurnAsync(cancellationToken);
        RequireNotRunning(Init);
        await _commands.RunAsync(["delete", "--force", Id], cancellationToken);
        if (Init.Pid > 0)
        {
            await Init.Exited;
        }

        await CloseAllAsync();
        Unmount();
    }

    public void Dispose() => _turn.Dispose();

    private async Task StartExecAsync(TaskProcess exec, CancellationToken cancellationToken)
    {
        ProcessStreams streams = await ProcessStreams.OpenAsync(exec.Names, Settings.IoOwner, _context.Namespace, Id, _context.Reaper, cancellationToken);
        try
        {
            ClonedChild child = default;
            await WithFileAsync(exec.Specification!, async file => child = await _commands.LaunchAsync(
                ["exec", "--detach", "--process", file, .. streams.CommandFlags, Id], streams.ForCommand(), cancellationToken));
            exec.Has(child);
            exec.Streams = streams;
            _ = WatchAsync(exec, child);
            await streams.BegunAsync(cancellationToken);
        }
        catch
        {
            if (exec.Streams is null)
            {
                await streams.DisposeAsync();
            }

            throw;
        }
    }

    // One for each process, until its end. Nothing of it can fail but by a defect, which must not pass in silence.
    private async Task WatchAsync(TaskProcess process, ClonedChild child)
    {
        ExitStatus status = await child.PidFd.WaitAsync(EventLoop.Shared, CancellationToken.None);
        _commands.Forget(child.Pid);
        EventLoop.Shared.Forget(child.PidFd);
        // The kill is answered before the end it caused: containerd hangs up as soon as it knows of the end.
        await _kills.Ended();
        process.Ended((uint)status.Code);
        child.PidFd.Dispose();
        await process.EndMayBeTold();
        if (process.IsInit)
        {
            // The cause before the end: containerd forgets a task that has ended.
            await Task.WhenAny(_memoryWatched.Task, Task.Delay(s_causePatience));
        }

        _context.Events?.Publish("/tasks/exit", "TaskExit", new TaskExit
        {
            ContainerId = Id,
            Id = process.IsInit ? Id : process.ExecId,
            Pid = (uint)child.Pid,
            ExitStatus = process.ExitCode,
            ExitedAt = process.ExitedAt,
        });
    }

    // Before the workload starts, or it may run out of memory unseen. On a thread of its own, because the library waits synchronously: its
    // stack is what it costs.
    private void WatchMemory()
    {
        const int StackBytes = 128 * 1024;
        try
        {
            (ContainerRecord record, IContainerBackend backend) = ShimContext.Runtime(Settings).Load(Id);
            IContainerWatch watch = backend.Watch(record);
            new Thread(() => WatchMemoryToTheEnd(watch), StackBytes) { IsBackground = true, Name = "oom" }.Start();
        }
        catch (Exception cause) when (cause is SandboxException or SyscallException or IOException)
        {
            // A container without a memory cgroup, or one that has ended already.
            _context.Log.Debug($"{Id}: not watched for lack of memory: {cause.Message}");
            _memoryWatched.TrySetResult();
        }
    }

    private void WatchMemoryToTheEnd(IContainerWatch watch)
    {
        using IContainerWatch owned = watch;
        try
        {
            WaitOutcome outcome;
            while ((outcome = watch.Wait(Timeout.InfiniteTimeSpan)) != WaitOutcome.Stopped)
            {
                if (outcome == WaitOutcome.OutOfMemory)
                {
                    _context.Events?.Publish("/tasks/oom", "TaskOOM", new TaskNotice { ContainerId = Id });
                }
            }
        }
        catch (Exception cause) when (cause is SandboxException or SyscallException or IOException)
        {
            _context.Log.Warning($"{Id}: no longer watched for lack of memory: {cause.Message}");
        }
        finally
        {
            _memoryWatched.TrySetResult();
        }
    }

    private void Mount(IReadOnlyList<RootfsMount> rootfs)
    {
        if (rootfs.Count > 0)
        {
            Directory.CreateDirectory(Rootfs);
        }

        foreach (RootfsMount mount in rootfs)
        {
            SnapshotMount.Attach(mount.Type, mount.Source, mount.Options, Rootfs);
            _mounts++;
        }
    }

    private void Unmount()
    {
        if (_mounts > 0)
        {
            SnapshotMount.Remove(Rootfs);
            _mounts = 0;
        }
    }

    private async Task UndoAsync()
    {
        try
        {
            await _commands.RunAsync(["delete", "--force", Id], CancellationToken.None);
        }
        catch (SandboxException cause)
        {
            _context.Log.Warning($"{Id}: what a failed create left could not be removed: {cause.Message}");
        }

        await CloseAllAsync();
        Unmount();
    }

    private async Task CloseAllAsync()
    {
        List<TaskProcess> all;
        lock (_lock)
        {
            all = [Init, .. _execs.Values];
        }

        foreach (TaskProcess process in all)
        {
            if (process.Streams is { } streams)
            {
                process.Streams = null;
                await streams.DisposeAsync();
            }
        }
    }

    private static void RequireNotRunning(TaskProcess process)
    {
        if (process.Phase == TaskPhase.Running)
        {
            throw new TtrpcException(TtrpcCode.FailedPrecondition, "cannot delete a running process");
        }
    }

    private async Task WithFileAsync(ByteString content, Func<string, Task> use)
    {
        string path = ShimPlace.ChooseFile(Bundle, "json");
        try
        {
            using (FileFd file = FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, OwnerMayReadWrite))
            {
                file.WriteAll(content.Span);
            }

            await use(path);
        }
        finally
        {
            FileCalls.TryRemove(path, isDirectory: false, out _);
        }
    }

    private async Task<IDisposable> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
