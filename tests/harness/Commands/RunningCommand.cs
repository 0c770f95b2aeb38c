using System.Collections.Concurrent;
using System.Diagnostics;
using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>A process of the executable under test, or of a tool, with its three streams in pipes.</summary>
public sealed class RunningCommand : IDisposable
{
    // Those that this class reaps; everything else that becomes our child is an orphan of a command.
    private static readonly ConcurrentDictionary<int, RunningCommand> s_own = new();

    /// <summary>Held while a process is there that <see cref="Owns"/> does not know yet.</summary>
    internal static readonly Lock Starting = new();

    private readonly Lock _gate = new();
    private readonly Process _process;
    private readonly StreamWriter _input;
    private readonly string _line;
    private int? _exitCode;

    private RunningCommand(Process process, string line)
    {
        _process = process;
        _input = process.StandardInput;
        _line = line;
        Pid = process.Id;
        s_own[Pid] = this;
        Output = new OutputCapture(process.StandardOutput.BaseStream);
        Error = new OutputCapture(process.StandardError.BaseStream);
    }

    public int Pid { get; }

    public OutputCapture Output { get; }

    public OutputCapture Error { get; }

    /// <summary>Open until closed by the test.</summary>
    public Stream Input => _input.BaseStream;

    public bool HasExited
    {
        get
        {
            lock (_gate)
            {
                return _exitCode is not null || _process.HasExited;
            }
        }
    }

    public static RunningCommand Start(string program, IReadOnlyList<string> arguments, Action<ProcessStartInfo>? change = null)
    {
        Orphans.Adopt();
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        change?.Invoke(start);
        string line = $"{Path.GetFileName(program)} {string.Join(' ', arguments)}";
        lock (Starting)
        {
            return new RunningCommand(Process.Start(start) ?? throw new HarnessException($"{line}: not started"), line);
        }
    }

    /// <summary>Waits for the process itself; its output may go on, from a container that it leaves behind.</summary>
    public int WaitForExit() => WaitForExit(Deadline.Patience);

    private int WaitForExit(TimeSpan patience)
    {
        lock (_gate)
        {
            if (_exitCode is { } known)
            {
                return known;
            }
        }

        // Not WaitForExit(), which also waits for the end of the output.
        if (!_process.WaitForExit(patience))
        {
            throw new HarnessException($"after {patience.TotalSeconds:0} s still running: {_line}\n{Transcript}");
        }

        lock (_gate)
        {
            return _exitCode ??= Forget();
        }
    }

    // At once: while the runtime remembers an ended process it takes an orphan that gets the same pid for that one, does not reap it, and
    // is told of it for ever. No other child's end is noticed after that. The streams are ours, and stay open.
    private int Forget()
    {
        int code = _process.ExitCode;
        s_own.TryRemove(Pid, out _);
        _process.Dispose();
        return code;
    }

    /// <summary>Waits for the process and the end of what it writes.</summary>
    public CommandResult Wait() => Wait(Deadline.Patience);

    /// <summary>The same for a command that takes longer than any other.</summary>
    public CommandResult Wait(TimeSpan patience)
    {
        int code = WaitForExit(patience);
        Deadline.Wait($"the end of the output of: {_line}", () => Output.Ended && Error.Ended, () => Transcript);
        return new CommandResult(code, Output.Text, Error.Text);
    }

    /// <summary>Waits until a text has been written to standard output.</summary>
    public void WaitForOutput(string text)
    {
        Deadline.Wait($"\"{text}\" from: {_line}", () => Output.Text.Contains(text, StringComparison.Ordinal) || Output.Ended, () => Transcript);
        if (!Output.Text.Contains(text, StringComparison.Ordinal))
        {
            throw new HarnessException($"ended without \"{text}\": {_line}\n{Transcript}");
        }
    }

    public void Send(Signal signal)
    {
        using PidFd process = PidFd.Open(Pid);
        process.SendSignal(signal);
    }

    /// <summary>Kills the process, or finds it ended.</summary>
    public int KillAndWait()
    {
        // Process.Kill() sends nothing to a process that was reaped, and its pid cannot be another one's before that.
        Kill();
        return WaitForExit();
    }

    public RunningCommand CloseInput()
    {
        try
        {
            _input.Close();
        }
        catch (IOException)
        {
            // Nobody reads any more: EPIPE.
        }

        return this;
    }

    /// <summary>Kills the process if it still runs.</summary>
    public void Dispose()
    {
        Kill();
        WaitForExit();
    }

    private void Kill()
    {
        lock (_gate)
        {
            if (_exitCode is null)
            {
                _process.Kill();
            }
        }
    }

    internal static bool Owns(int pid) => s_own.ContainsKey(pid);

    private string Transcript => $"--- stdout\n{Output.Text}\n--- stderr\n{Error.Text}\n---";
}
