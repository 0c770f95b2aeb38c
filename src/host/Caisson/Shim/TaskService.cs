using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using TaskStatus = Caisson.Protocol.Containerd.TaskStatus;

namespace Caisson;

/// <summary>containerd's Task API (containerd.task.v2.Task) for the containers of one pod.</summary>
internal sealed class TaskService
{
    private const string Name = "containerd.task.v2.Task";

    private readonly ShimCommandLine _line;
    private readonly ShimContext _context;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskContainer> _containers = [];       // under _lock
    private volatile bool _isKept;
    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal TaskService(ShimCommandLine line, ShimContext context)
    {
        _line = line;
        _context = context;
    }

    /// <summary>containerd has asked the shim to end, and no container is left.</summary>
    internal Task Shutdown => _shutdown.Task;

    /// <summary>No container is left but those that have ended and that somebody else, such as the <c>delete</c> action, has removed.</summary>
    internal bool IsForgotten
    {
        get
        {
            if (_isKept)
            {
                return false;
            }

            lock (_lock)
            {
                foreach (TaskContainer container in _containers.Values)
                {
                    if (container.Init.Phase != TaskPhase.Stopped || ShimContext.Runtime(container.Settings).Store.Look(container.Id).Record is not null)
                    {
                        return false;
                    }
                }

                return true;
            }
        }
    }

    internal void Register(ShimServer server)
    {
        server.Register(Name, "State", ProcessRequest.Parser, (request, _) => Task.FromResult(State(request)));
        server.Register(Name, "Create", CreateTaskRequest.Parser, CreateAsync);
        server.Register(Name, "Start", ProcessRequest.Parser, StartAsync);
        server.Register(Name, "Delete", ProcessRequest.Parser, DeleteAsync);
        server.Register(Name, "Pids", ProcessRequest.Parser, (request, _) => Task.FromResult(Pids(request)));
        server.Register(Name, "Pause", ProcessRequest.Parser, (request, stop) => Answer(Find(request.Id).PauseAsync(stop)));
        server.Register(Name, "Resume", ProcessRequest.Parser, (request, stop) => Answer(Find(request.Id).ResumeAsync(stop)));
        server.Register(Name, "Checkpoint", CheckpointTaskRequest.Parser, (request, stop) => Answer(Find(request.Id).CheckpointAsync(request.Path, request.Options, stop)));
        server.Register(Name, "Kill", KillRequest.Parser, KillAsync);
        server.Register(Name, "Exec", ExecProcessRequest.Parser, (request, _) => Task.FromResult(Exec(request)));
        server.Register(Name, "ResizePty", ResizePtyRequest.Parser, (request, _) => Task.FromResult(Resize(request)));
        server.Register(Name, "CloseIO", CloseIORequest.Parser, (request, _) => Task.FromResult(CloseInput(request)));
        server.Register(Name, "Update", UpdateTaskRequest.Parser, (request, stop) => Answer(Find(request.Id).UpdateAsync(request.Resources?.Value ?? ByteString.Empty, stop)));
        server.Register(Name, "Wait", ProcessRequest.Parser, WaitAsync);
        server.Register(Name, "Stats", ProcessRequest.Parser, (request, _) => Task.Run(() => Stats(request)));
        server.Register(Name, "Connect", ProcessRequest.Parser, (request, _) => Task.FromResult(Connect(request)));
        server.Register(Name, "Shutdown", ShutdownRequest.Parser, (request, _) => Task.FromResult(End(request)));
    }

    /// <summary>Whether the shim stays without a container: a sandbox is there, or is being made.</summary>
    internal void Keep(bool isKept) => _isKept = isKept;

    /// <summary>Kills every container, and waits for their ends.</summary>
    internal async Task KillAllAsync(CancellationToken cancellationToken)
    {
        foreach (TaskContainer container in All())
        {
            if (container.Init.Pid == 0)
            {
                continue;   // still being made
            }

            try
            {
                await container.KillAsync(container.Init, (uint)Signal.SIGKILL, all: true, cancellationToken);
            }
            catch (TtrpcException ended) when (ended.Code == TtrpcCode.NotFound)
            {
                // As it should be.
            }

            await container.Init.Exited.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Removes the containers, whose processes have ended, and lets the shim end.</summary>
    internal async Task ShutDownAsync(CancellationToken cancellationToken)
    {
        _isKept = false;
        foreach (TaskContainer container in All())
        {
            await container.DeleteAsync(cancellationToken);
            Forget(container);
        }

        _shutdown.TrySetResult();
    }

    private async Task<CreateTaskResponse> CreateAsync(CreateTaskRequest request, CancellationToken cancellationToken)
    {
        ContainerId.Check(request.Id);
        ShimSettings settings = ShimSettings.From(_line, request.Options);
        if (settings.Warning is { } warning)
        {
            _context.Log.Warning(warning);
        }

        if (request.Checkpoint.Length > 0)
        {
            RequireRestoring(settings, request);
        }

        settings = settings with { CreateFlags = [.. settings.CreateFlags, .. PodFlags(settings, request)] };
        var container = new TaskContainer(_context, settings, request);
        lock (_lock)
        {
            if (!_containers.TryAdd(request.Id, container))
            {
                throw new TtrpcException(TtrpcCode.AlreadyExists, $"task {request.Id} exists already");
            }
        }

        try
        {
            await container.CreateAsync(request.Rootfs, cancellationToken);
        }
        catch (Exception cause)
        {
            Forget(container);
            throw cause is SandboxException or ContainerException or SyscallException or SpecException
                ? new TtrpcException(TtrpcCode.Unknown, $"OCI runtime create failed: {cause.Message}", cause)
                : cause;
        }

        _context.Events?.Publish("/tasks/create", "TaskCreate", new TaskCreate
        {
            ContainerId = request.Id,
            Bundle = request.Bundle,
            Rootfs = { request.Rootfs },
            Io = new TaskIO { Stdin = request.Stdin, Stdout = request.Stdout, Stderr = request.Stderr, Terminal = request.Terminal },
            Checkpoint = request.Checkpoint,
            Pid = (uint)container.Init.Pid,
        });
        return new CreateTaskResponse { Pid = (uint)container.Init.Pid };
    }

    // Refused before anything is made; the restoring itself is the task's start.
    private static void RequireRestoring(ShimSettings settings, CreateTaskRequest request)
    {
        IContainerBackend backend = ShimContext.Runtime(settings).Select(SpecReader.ReadBundle(request.Bundle).Annotations);
        if (backend is not ICheckpoints)
        {
            throw new TtrpcException(
                TtrpcCode.Unimplemented, $"task {request.Id}: isolation {IsolationName.Of(backend.Isolation)} restores no checkpoints: a machine's state is not saved; use namespaces");
        }

        if (!Directory.Exists(request.Checkpoint))
        {
            throw new TtrpcException(TtrpcCode.InvalidArgument, $"task {request.Id}: checkpoint {request.Checkpoint}: no such directory");
        }

        try
        {
            _ = CriuProcess.Find(null);
        }
        catch (SandboxException missing)
        {
            throw new TtrpcException(TtrpcCode.FailedPrecondition, $"task {request.Id}: {missing.Message}", missing);
        }
    }

    // A pod's further containers go into the machine of its first one; where that has none, they share by the paths in their configuration.
    private static string[] PodFlags(ShimSettings settings, CreateTaskRequest request) =>
        ShimPlace.SandboxOf(request.Bundle) is { } sandbox && sandbox != request.Id
        && ShimContext.Runtime(settings).Store.Look(sandbox).Record is { Isolation: Isolation.Vm }
            ? ["--sandbox", sandbox]
            : [];

    private async Task<StartResponse> StartAsync(ProcessRequest request, CancellationToken cancellationToken)
    {
        TaskContainer container = Find(request.Id);
        TaskProcess process = container.Find(request.ExecId);
        try
        {
            await container.StartAsync(process, cancellationToken);
        }
        catch (SandboxException cause)
        {
            throw new TtrpcException(TtrpcCode.Unknown, $"OCI runtime {(process.IsInit ? "start" : "exec")} failed: {cause.Message}", cause);
        }

        return new StartResponse { Pid = (uint)process.Pid };
    }

    private async Task<DeleteResponse> DeleteAsync(ProcessRequest request, CancellationToken cancellationToken)
    {
        TaskContainer container = Find(request.Id);
        TaskProcess process = container.Find(request.ExecId);
        if (!process.IsInit)
        {
            await container.DeleteExecAsync(process);
        }
        else
        {
            await container.DeleteAsync(cancellationToken);
            Forget(container);
            _context.Events?.Publish("/tasks/delete", "TaskDelete", new TaskDelete
            {
                ContainerId = request.Id,
                Pid = (uint)process.Pid,
                ExitStatus = process.ExitCode,
                ExitedAt = process.ExitedAt,
            });
        }

        return new DeleteResponse { Pid = (uint)process.Pid, ExitStatus = process.ExitCode, ExitedAt = process.ExitedAt };
    }

    private async Task<Empty> KillAsync(KillRequest request, CancellationToken cancellationToken)
    {
        TaskContainer container = Find(request.Id);
        await container.KillAsync(container.Find(request.ExecId), request.Signal, request.All, cancellationToken);
        return new Empty();
    }

    private Empty Exec(ExecProcessRequest request)
    {
        TaskContainer container = Find(request.Id);
        if (request.ExecId.Length == 0)
        {
            throw new TtrpcException(TtrpcCode.InvalidArgument, "an exec needs an id");
        }

        if (container.Init.Phase == TaskPhase.Stopped)
        {
            throw new TtrpcException(TtrpcCode.FailedPrecondition, "cannot exec in a stopped container");
        }

        var names = new StreamNames(request.Stdin, request.Stdout, request.Stderr, request.Terminal);
        container.AddExec(new TaskProcess(request.Id, request.ExecId, names, request.Spec?.Value ?? ByteString.Empty));
        return new Empty();
    }

    private Empty Resize(ResizePtyRequest request)
    {
        Find(request.Id).Find(request.ExecId).Streams?.Resize(request.Width, request.Height);
        return new Empty();
    }

    private Empty CloseInput(CloseIORequest request)
    {
        if (request.Stdin)
        {
            Find(request.Id).Find(request.ExecId).Streams?.CloseInput();
        }

        return new Empty();
    }

    private StateResponse State(ProcessRequest request)
    {
        TaskContainer container = Find(request.Id);
        TaskProcess process = container.Find(request.ExecId);
        return new StateResponse
        {
            Id = request.Id,
            Bundle = container.Bundle,
            Pid = (uint)process.Pid,
            Status = StatusOf(container, process),
            Stdin = process.Names.Input,
            Stdout = process.Names.Output,
            Stderr = process.Names.Error,
            Terminal = process.Names.Terminal,
            ExitStatus = process.ExitCode,
            ExitedAt = process.ExitedAt,
            ExecId = request.ExecId,
        };
    }

    private static TaskStatus StatusOf(TaskContainer container, TaskProcess process) => process.Phase switch
    {
        TaskPhase.Created => TaskStatus.Created,
        TaskPhase.Stopped => TaskStatus.Stopped,
        _ => container.IsPaused ? TaskStatus.Paused : TaskStatus.Running,
    };

    private async Task<WaitResponse> WaitAsync(ProcessRequest request, CancellationToken cancellationToken)
    {
        TaskProcess process = Find(request.Id).Find(request.ExecId);
        await process.Exited.WaitAsync(cancellationToken);
        return new WaitResponse { ExitStatus = process.ExitCode, ExitedAt = process.ExitedAt };
    }

    private PidsResponse Pids(ProcessRequest request)
    {
        TaskContainer container = Find(request.Id);
        (ContainerRecord record, IContainerBackend backend) = ShimContext.Runtime(container.Settings).Load(request.Id);
        var response = new PidsResponse();
        foreach (int pid in backend.HostPids(record))
        {
            response.Processes.Add(new ProcessInfo { Pid = (uint)pid });
        }

        return response;
    }

    private StatsResponse Stats(ProcessRequest request)
    {
        TaskContainer container = Find(request.Id);
        (ContainerRecord record, IContainerBackend backend) = ShimContext.Runtime(container.Settings).Load(request.Id);
        return new StatsResponse { Stats = TaskMetrics.Of(backend.Measure(record).Stats, CgroupLayout.Discover().Mode == CgroupMode.Unified) };
    }

    private ConnectResponse Connect(ProcessRequest request) =>
        new() { ShimPid = (uint)Environment.ProcessId, TaskPid = (uint)Find(request.Id).Init.Pid, Version = VersionText.Program };

    private Empty End(ShutdownRequest request)
    {
        if ((All().Count == 0 && !_isKept) || request.Now)
        {
            _shutdown.TrySetResult();
        }

        return new Empty();
    }

    private List<TaskContainer> All()
    {
        lock (_lock)
        {
            return [.. _containers.Values];
        }
    }

    private TaskContainer Find(string id)
    {
        lock (_lock)
        {
            return _containers.GetValueOrDefault(id) ?? throw new TtrpcException(TtrpcCode.NotFound, $"task {id} does not exist");
        }
    }

    private void Forget(TaskContainer container)
    {
        lock (_lock)
        {
            _containers.Remove(container.Id);
        }

        container.Dispose();
    }

    private static async Task<Empty> Answer(Task work)
    {
        await work;
        return new Empty();
    }
}
