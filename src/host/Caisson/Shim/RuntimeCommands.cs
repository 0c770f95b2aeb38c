using System.Globalization;
using System.Text.Json;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// Runs this executable's own commands for a shim: they have a thread to themselves, which making a container needs, and a container
/// that a shim made is the same as one that podman made.
/// </summary>
internal sealed class RuntimeCommands
{
    private const string Self = "/proc/self/exe";
    private const int LogLimitBytes = 1 << 20;

    private readonly ShimSettings _settings;
    private readonly string _bundle;
    private readonly OrphanReaper? _reaper;

    /// <param name="settings">The flags before each command.</param>
    /// <param name="bundle">Where files of commands under way may lie: containerd takes it away, whoever is killed before.</param>
    /// <param name="reaper">Who reaps orphans of this process, if anybody does.</param>
    internal RuntimeCommands(ShimSettings settings, string bundle, OrphanReaper? reaper = null)
    {
        _settings = settings;
        _bundle = bundle;
        _reaper = reaper;
    }

    /// <summary>Runs a command to its end, with nothing to read and nowhere to write.</summary>
    /// <exception cref="SandboxException">It failed; in its own words.</exception>
    internal async Task RunAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        using (_reaper?.BeginLaunch())
        {
            await RunAsync(words, new CommandStreams(nothing, nothing, nothing), "/", cancellationToken);
        }
    }

    /// <summary>Runs a command that leaves a process behind, which this process inherits as a subreaper.</summary>
    /// <param name="words">The command and its arguments, without <c>--pid-file</c>.</param>
    /// <param name="streams">The standard streams of the process it leaves.</param>
    /// <param name="cancellationToken">Gives up waiting; the command goes on.</param>
    /// <returns>The process, which the caller reaps, and then tells the reaper.</returns>
    internal async Task<ClonedChild> LaunchAsync(
        IReadOnlyList<string> words, CommandStreams streams, CancellationToken cancellationToken)
    {
        string pidFile = ShimPlace.ChooseFile(_bundle, "pid");
        using OrphanReaper.Launch? launch = _reaper?.BeginLaunch();
        try
        {
            List<string> complete = [.. words];
            complete.InsertRange(1, ["--pid-file", pidFile]);
            await RunAsync(complete, streams, _bundle, cancellationToken);
            int pid = int.Parse(SmallFile.ReadText(pidFile), CultureInfo.InvariantCulture);
            var child = new ClonedChild(pid, PidFd.Open(pid));
            launch?.Own(pid);
            launch?.Keep();
            return child;
        }
        finally
        {
            FileCalls.TryRemove(pidFile, isDirectory: false, out _);
        }
    }

    /// <summary>The owner of a launched process has reaped it.</summary>
    internal void Forget(int pid) => _reaper?.Forget(pid);

    private async Task RunAsync(IReadOnlyList<string> words, CommandStreams streams, string directory, CancellationToken cancellationToken)
    {
        string log = ShimPlace.ChooseFile(_bundle, "log");
        try
        {
            using ClonedProcess command = Begin(words, log, streams.Input, streams.Output, streams.Error, directory);
            // Not given up: a command that is killed halfway leaves more to undo than one that ends late.
            ExitStatus status = await command.PidFd.WaitAsync(EventLoop.Shared, CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            Check(words[0], status, log);
        }
        finally
        {
            FileCalls.TryRemove(log, isDirectory: false, out _);
        }
    }

    private ClonedProcess Begin(IReadOnlyList<string> words, string log, FileFd input, FileFd output, FileFd error, string directory) =>
        new PreparedClone()
            .DuplicateTo(input, 0)
            .DuplicateTo(output, 1)
            .DuplicateTo(error, 2)
            .CloseRangeFrom(3)
            .Chdir(directory)
            .ResetSignals()
            .Execve(Self, ["caisson", .. _settings.Globals, "--log", log, "--log-format", "json", .. words], ShimEnvironment.ForCommand())
            .Start();

    private static void Check(string command, ExitStatus status, string log)
    {
        if (status.Code != 0)
        {
            string why = LastError(log) ?? $"caisson {command} ended with code {status.Code} and gave no reason";
            var missing = new NoSuchContainerException();
            throw why == missing.Message ? missing : new SandboxException(why);
        }
    }

    private static string? LastError(string log)
    {
        if (!FileCalls.TryOpen(log, OpenFlags.O_RDONLY, out FileFd file, out _))
        {
            return null;
        }

        string? found = null;
        using (file)
        {
            foreach (string line in System.Text.Encoding.UTF8.GetString(file.ReadToEnd(LogLimitBytes)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using JsonDocument entry = JsonDocument.Parse(line);
                found = entry.RootElement.GetProperty("level").GetString() == "error" ? entry.RootElement.GetProperty("msg").GetString() : found;
            }
        }

        return found;
    }
}

/// <summary>Standard streams for a process that a command leaves behind; the caller's.</summary>
internal readonly record struct CommandStreams(FileFd Input, FileFd Output, FileFd Error);

/// <summary>A process that this one inherited from a command.</summary>
internal readonly record struct ClonedChild(int Pid, PidFd PidFd);
