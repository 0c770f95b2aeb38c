using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// A logging program (<c>binary://</c>): it reads a process's output at descriptors 3 and 4 and closes 5 when it is ready; arguments are
/// the query of the URI (containerd's core/runtime/v2/README.md, "Logging").
/// </summary>
internal sealed class LogProcess : IDisposable
{
    internal const string Scheme = "binary://";

    private static readonly TimeSpan s_readyPatience = TimeSpan.FromSeconds(10);

    private readonly ClonedProcess _program;
    private readonly OrphanReaper _reaper;

    private LogProcess(ClonedProcess program, OrphanReaper reaper, FileFd output, FileFd error)
    {
        _program = program;
        _reaper = reaper;
        Output = output;
        Error = error;
    }

    internal FileFd Output { get; }

    internal FileFd Error { get; }

    internal static LogProcess Start(string uri, string containerdNamespace, string containerId, OrphanReaper reaper)
    {
        string rest = uri[Scheme.Length..];
        int query = rest.IndexOf('?');
        string path = Uri.UnescapeDataString(query < 0 ? rest : rest[..query]);
        List<string> variables = ShimEnvironment.ForCommand();
        variables.Add($"CONTAINER_ID={containerId}");
        variables.Add($"CONTAINER_NAMESPACE={containerdNamespace}");
        using var output = PipePair.Create();
        using var error = PipePair.Create();
        using var ready = PipePair.Create();
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        using OrphanReaper.Launch launch = reaper.BeginLaunch();
        ClonedProcess program = new PreparedClone()
            .Setsid()
            .DuplicateTo(nothing, 0)
            .DuplicateTo(nothing, 1)
            .DuplicateTo(nothing, 2)
            .DuplicateTo(output.Read, 3)
            .DuplicateTo(error.Read, 4)
            .DuplicateTo(ready.Write, 5)
            .CloseRangeFrom(6)
            .ResetSignals()
            .Execve(path, [path, .. Arguments(query < 0 ? "" : rest[(query + 1)..])], variables)
            .Start();
        launch.Own(program.Pid);
        launch.Keep();
        ready.Write.Dispose();
        if (Poller.Wait(ready.Read, PollEvents.In, s_readyPatience) == PollEvents.None)
        {
            program.PidFd.TrySendSignal(Signal.SIGKILL, out _);
            program.PidFd.Wait();
            reaper.Forget(program.Pid);
            program.Dispose();
            throw new SandboxException($"{path}: the logging program was not ready within {s_readyPatience.TotalSeconds:0} s: it has to close descriptor 5");
        }

        return new LogProcess(program, reaper, output.Write.Duplicate(), error.Write.Duplicate());
    }

    /// <summary>Waits for the program, which ends when it has read everything: its pipes end here, unless a process still holds them.</summary>
    internal async Task FinishAsync(CancellationToken cancellationToken)
    {
        Output.Dispose();
        Error.Dispose();
        try
        {
            await _program.PidFd.WaitAsync(EventLoop.Shared, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _program.PidFd.TrySendSignal(Signal.SIGKILL, out _);
            await _program.PidFd.WaitAsync(EventLoop.Shared, CancellationToken.None);
        }

        _reaper.Forget(_program.Pid);
    }

    public void Dispose() => _program.Dispose();

    // "a=b&c" is the arguments a, b and c, as containerd's own helper passes them.
    private static List<string> Arguments(string query)
    {
        var arguments = new List<string>();
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (string part in pair.Split('=', 2))
            {
                if (part.Length > 0)
                {
                    arguments.Add(Uri.UnescapeDataString(part));
                }
            }
        }

        return arguments;
    }
}
