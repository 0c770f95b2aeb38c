using Caisson.Protocol.Containerd;
using Caisson.Sandboxes;
using Caisson.Ttrpc;
using Google.Protobuf.WellKnownTypes;

namespace Caisson;

/// <summary>containerd's Sandbox API (containerd.runtime.sandbox.v1.Sandbox, of 1.7): the pod's sandbox by itself, before its containers.</summary>
internal sealed class SandboxService : IDisposable
{
    private const string Name = "containerd.runtime.sandbox.v1.Sandbox";

    // As the CRI plugin spells the states of a pod.
    private const string Ready = "SANDBOX_READY";
    private const string NotReady = "SANDBOX_NOTREADY";

    // StopSandbox without a time of its own.
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(60);

    private readonly ShimCommandLine _line;
    private readonly ShimContext _context;
    private readonly TaskService _tasks;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile PodSandbox? _sandbox;      // made and removed by whoever has the turn

    internal SandboxService(ShimCommandLine line, ShimContext context, TaskService tasks)
    {
        _line = line;
        // What happens to a sandbox is told by WaitSandbox; events are of tasks.
        _context = context with { Events = null };
        _tasks = tasks;
    }

    internal void Register(ShimServer server)
    {
        server.Register(Name, "CreateSandbox", CreateSandboxRequest.Parser, CreateAsync);
        server.Register(Name, "StartSandbox", SandboxRequest.Parser, (request, _) => Task.FromResult(Start(request)));
        server.Register(Name, "Platform", SandboxRequest.Parser, (request, _) => Task.FromResult(PlatformOf(request)));
        server.Register(Name, "StopSandbox", SandboxRequest.Parser, StopAsync);
        server.Register(Name, "WaitSandbox", SandboxRequest.Parser, WaitAsync);
        server.Register(Name, "SandboxStatus", SandboxRequest.Parser, (request, _) => Task.FromResult(Status(request)));
        server.Register(Name, "PingSandbox", SandboxRequest.Parser, (request, _) => Task.FromResult(Ping(request)));
        server.Register(Name, "ShutdownSandbox", SandboxRequest.Parser, ShutdownAsync);
    }

    public void Dispose()
    {
        _sandbox?.Dispose();
        _turn.Dispose();
    }

    private async Task<Empty> CreateAsync(CreateSandboxRequest request, CancellationToken cancellationToken)
    {
        ContainerId.Check(request.SandboxId);
        if (request.Rootfs.Count > 0)
        {
            throw new TtrpcException(TtrpcCode.InvalidArgument, $"sandbox {request.SandboxId}: a root file system is given, and nothing runs in a sandbox of its own; leave it out");
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_sandbox is { } present)
            {
                throw new TtrpcException(TtrpcCode.AlreadyExists, $"this shim has sandbox {present.Id} already");
            }

            _tasks.Keep(true);
            _sandbox = await PodSandbox.CreateAsync(_context, ShimSettings.From(_line, ShimOptions.Load(_line.Bundle)), request, cancellationToken);
            return new Empty();
        }
        finally
        {
            _tasks.Keep(_sandbox is not null);
            _turn.Release();
        }
    }

    private StartSandboxResponse Start(SandboxRequest request)
    {
        PodSandbox sandbox = Find(request);
        sandbox.Start();
        return new StartSandboxResponse { Pid = (uint)sandbox.Pid, CreatedAt = sandbox.CreatedAt };
    }

    private PlatformResponse PlatformOf(SandboxRequest request)
    {
        _ = Find(request);
        return new PlatformResponse { Platform = new Platform { Os = "linux", Architecture = "amd64" } };
    }

    private async Task<Empty> StopAsync(SandboxRequest request, CancellationToken cancellationToken)
    {
        await StopAsync(Find(request), request.TimeoutSecs, cancellationToken);
        return new Empty();
    }

    // Its containers first: in namespaces they would outlive it.
    private async Task StopAsync(PodSandbox sandbox, uint seconds, CancellationToken cancellationToken)
    {
        TimeSpan patience = seconds > 0 ? TimeSpan.FromSeconds(seconds) : s_stopPatience;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ending.CancelAfter(patience);
        try
        {
            await _tasks.KillAllAsync(ending.Token);
            await sandbox.EndAsync(ending.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TtrpcException(TtrpcCode.DeadlineExceeded, $"sandbox {sandbox.Id} has not ended within {patience.TotalSeconds:0} s");
        }
    }

    private async Task<WaitResponse> WaitAsync(SandboxRequest request, CancellationToken cancellationToken)
    {
        PodSandbox sandbox = Find(request);
        await sandbox.Exited.WaitAsync(cancellationToken);
        return new WaitResponse { ExitStatus = sandbox.ExitCode, ExitedAt = sandbox.ExitedAt };
    }

    private SandboxStatusResponse Status(SandboxRequest request)
    {
        PodSandbox sandbox = Find(request);
        var status = new SandboxStatusResponse
        {
            SandboxId = sandbox.Id,
            Pid = (uint)sandbox.Pid,
            State = sandbox.IsReady ? Ready : NotReady,
            CreatedAt = sandbox.CreatedAt,
            ExitedAt = sandbox.ExitedAt,
        };
        bool isVerbose = request.TimeoutSecs > 0;
        if (isVerbose)
        {
            status.Info["bundle"] = sandbox.Bundle;
            status.Info["version"] = VersionText.Program;
        }

        return status;
    }

    private Empty Ping(SandboxRequest request)
    {
        _ = Find(request);
        return new Empty();
    }

    // Also after a creation that failed: containerd ends the shim so.
    private async Task<Empty> ShutdownAsync(SandboxRequest request, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_sandbox is not null)
            {
                await StopAsync(Find(request), seconds: 0, cancellationToken);
            }

            await _tasks.ShutDownAsync(cancellationToken);
            return new Empty();
        }
        finally
        {
            _turn.Release();
        }
    }

    private PodSandbox Find(SandboxRequest request) => _sandbox is { } sandbox && sandbox.Id == request.SandboxId
        ? sandbox
        : throw new TtrpcException(TtrpcCode.NotFound, $"sandbox {request.SandboxId} does not exist");
}
