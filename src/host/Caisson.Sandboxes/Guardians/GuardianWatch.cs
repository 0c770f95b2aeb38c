using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>The supervisor's side of the mutual watch: a guardian that was killed is replaced, and the last one ends with the sandbox.</summary>
internal sealed class GuardianWatch : IAsyncDisposable
{
    // Somebody who kills every guardian is not fought for ever; the sandbox then goes on unguarded, and says so.
    private const int MaxReplacements = 20;

    private readonly SupervisorCommand _command;
    private readonly UnixSocket _control;
    private readonly UnixSocket _descriptors;
    private readonly FileFd _lifeline;
    private readonly Sandbox _sandbox;
    private readonly SupervisorLog _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;

    internal GuardianWatch(SupervisorCommand command, UnixSocket control, UnixSocket descriptors, FileFd lifeline, Sandbox sandbox, SupervisorLog log)
    {
        _command = command;
        _control = control;
        _descriptors = descriptors;
        _lifeline = lifeline;
        _sandbox = sandbox;
        _log = log;
        _watching = WatchAsync(_stopping.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        for (int replacements = 0; replacements < MaxReplacements; replacements++)
        {
            using ClonedProcess guardian = _command.StartGuardian(_control, _descriptors, _lifeline);
            _sandbox.GuardedBy(ProcessIdentity.Read(guardian.Pid));
            try
            {
                ExitStatus status = await guardian.PidFd.WaitAsync(EventLoop.Shared, cancellationToken);
                _log.Warning($"guardian ended with {status.Code}; replaced");
            }
            catch (OperationCanceledException)
            {
                guardian.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
                guardian.PidFd.Wait();
                return;
            }
        }

        _log.Error("guardian: replaced too often; the sandbox goes on without one");
    }
}
