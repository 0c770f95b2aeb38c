using Caisson.Protocol.Containerd;
using Caisson.Ttrpc;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>A pod's sandbox without a pause container: its namespaces, its cgroup and, in isolation vm, its machine.</summary>
internal sealed class PodSandbox : IDisposable
{
    private readonly TaskContainer _holder;
    private readonly Lock _lock = new();
    private bool _started;      // under _lock

    private PodSandbox(string id, TaskContainer holder)
    {
        Id = id;
        _holder = holder;
        CreatedAt = Timestamp.FromDateTime(DateTime.UtcNow);
    }

    internal string Id { get; }

    internal Timestamp CreatedAt { get; }

    internal Timestamp? ExitedAt => _holder.Init.ExitedAt;

    internal uint ExitCode => _holder.Init.ExitCode;

    /// <summary>The process whose namespaces are the pod's.</summary>
    internal int Pid => _holder.Init.Pid;

    internal string Bundle => _holder.Bundle;

    internal Task Exited => _holder.Init.Exited;

    /// <summary>Started, and not ended.</summary>
    internal bool IsReady
    {
        get
        {
            lock (_lock)
            {
                return _started && !Exited.IsCompleted;
            }
        }
    }

    /// <summary>Makes it: the machine has booted when this returns.</summary>
    /// <param name="context">What the shim's containers share.</param>
    /// <param name="settings">The shim's settings.</param>
    /// <param name="request">What containerd asks for.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal static async Task<PodSandbox> CreateAsync(
        ShimContext context, ShimSettings settings, CreateSandboxRequest request, CancellationToken cancellationToken)
    {
        string bundle = SandboxBundle.Write(request, context.Namespace, settings.IsSystemdCgroup);
        // For the delete action, which knows containerd's bundle only.
        settings.Save(request.BundlePath);
        var holder = new TaskContainer(context, settings, new CreateTaskRequest { Id = request.SandboxId, Bundle = bundle });
        try
        {
            await holder.CreateAsync([], cancellationToken);
            return new PodSandbox(request.SandboxId, holder);
        }
        catch
        {
            holder.Dispose();
            throw;
        }
    }

    /// <exception cref="TtrpcException">It was started before, or has ended.</exception>
    internal void Start()
    {
        lock (_lock)
        {
            if (_started || Exited.IsCompleted)
            {
                throw new TtrpcException(TtrpcCode.FailedPrecondition, $"sandbox {Id} {(Exited.IsCompleted ? "has ended" : "was started before")}");
            }

            _started = true;
        }
    }

    /// <summary>Ends it with its machine, and removes what is left of it.</summary>
    internal Task EndAsync(CancellationToken cancellationToken) => _holder.DeleteAsync(cancellationToken);

    public void Dispose() => _holder.Dispose();
}
