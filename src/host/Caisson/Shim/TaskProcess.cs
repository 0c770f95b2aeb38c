using Caisson.Ttrpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>Where a task's process is in its life.</summary>
internal enum TaskPhase
{
    Created,
    Running,
    Stopped,
}

/// <summary>A container's init, or one exec.</summary>
internal sealed class TaskProcess
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskPhase _phase;       // under _lock
    private bool _starting;         // under _lock
    private ClonedChild _child;     // under _lock

    internal TaskProcess(string containerId, string execId, StreamNames names, ByteString? specification)
    {
        ContainerId = containerId;
        ExecId = execId;
        Names = names;
        Specification = specification;
    }

    internal string ContainerId { get; }

    /// <summary>Empty for the container's init.</summary>
    internal string ExecId { get; }

    internal bool IsInit => ExecId.Length == 0;

    internal StreamNames Names { get; }

    /// <summary>An exec's process object, as JSON.</summary>
    internal ByteString? Specification { get; }

    internal ProcessStreams? Streams { get; set; }

    internal int Pid
    {
        get
        {
            lock (_lock)
            {
                return _child.Pid;
            }
        }
    }

    internal TaskPhase Phase
    {
        get
        {
            lock (_lock)
            {
                return _phase;
            }
        }
    }

    internal uint ExitCode { get; private set; }

    internal Timestamp? ExitedAt { get; private set; }

    /// <summary>The process has been reaped; code and time are there.</summary>
    internal Task Exited => _exited.Task;

    internal void Has(ClonedChild child)
    {
        lock (_lock)
        {
            _child = child;
        }
    }

    /// <summary>A start begins: what happens to the process is not told before its start is.</summary>
    /// <exception cref="TtrpcException">It was started before, or has ended.</exception>
    internal void BeginStart()
    {
        lock (_lock)
        {
            if (_phase != TaskPhase.Created || _starting)
            {
                throw new TtrpcException(TtrpcCode.FailedPrecondition, $"cannot start a process that is {_phase.ToString().ToLowerInvariant()}");
            }

            _starting = true;
        }
    }

    /// <summary>The start has been told, or has failed.</summary>
    internal void EndStart(bool started)
    {
        lock (_lock)
        {
            _starting = false;
            if (started && _phase == TaskPhase.Created)
            {
                _phase = TaskPhase.Running;
            }
        }

        _announced.TrySetResult();
    }

    /// <summary>Completes when the end may be told: not while a start is under way.</summary>
    internal Task EndMayBeTold()
    {
        lock (_lock)
        {
            return _starting ? _announced.Task : Task.CompletedTask;
        }
    }

    internal void Ended(uint code)
    {
        lock (_lock)
        {
            ExitCode = code;
            ExitedAt = Timestamp.FromDateTime(DateTime.UtcNow);
            _phase = TaskPhase.Stopped;
        }

        _exited.TrySetResult();
    }

    /// <summary>Sends a signal to this very process.</summary>
    /// <exception cref="TtrpcException">It has not started, or has ended.</exception>
    internal void Signal(uint signal)
    {
        lock (_lock)
        {
            if (_phase == TaskPhase.Created)
            {
                throw new TtrpcException(TtrpcCode.FailedPrecondition, $"process {ExecId} has not been started");
            }

            if (_phase == TaskPhase.Stopped || !_child.PidFd.TrySendSignal((int)signal, out _))
            {
                throw new TtrpcException(TtrpcCode.NotFound, "process already finished");
            }
        }
    }
}
