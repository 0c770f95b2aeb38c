using Caisson.Linux;
using Microsoft.Win32.SafeHandles;

namespace Caisson.Harness;

/// <summary>A command on a terminal of its own, as a person at a keyboard has it.</summary>
public sealed class TerminalSession : IDisposable
{
    private readonly PtyMaster _master;
    private readonly FileStream _screen;
    private readonly ClonedProcess _process;
    private ExitStatus? _status;

    private TerminalSession(PtyMaster master, ClonedProcess process)
    {
        _master = master;
        _process = process;
        _screen = Open(master);
        Screen = new OutputCapture(_screen);
    }

    /// <summary>Everything that was written to the terminal, echo included.</summary>
    public OutputCapture Screen { get; }

    public int Pid => _process.Pid;

    public static TerminalSession Start(string program, IReadOnlyList<string> arguments, WindowSize size)
    {
        Orphans.Adopt();
        PtyMaster master = PtyMaster.Open();
        using TerminalFd slave = master.OpenSlave();
        Terminal.SetSize(slave, size);
        var clone = new PreparedClone();
        clone.Setsid().SetControllingTerminal(slave).DuplicateTo(slave, 0).DuplicateTo(slave, 1).DuplicateTo(slave, 2).CloseRangeFrom(3).ResetSignals()
            .Execve(program, [program, .. arguments], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"]);
        return new TerminalSession(master, clone.Start());
    }

    public void Type(string text) => _master.WriteAll(text);

    public void Resize(WindowSize size) => Terminal.SetSize(_master, size);

    public void WaitForText(string text) =>
        Deadline.Wait($"\"{text}\" on the terminal", () => Screen.Text.Contains(text, StringComparison.Ordinal), () => Screen.Text);

    /// <summary>Waits for the end of the command.</summary>
    /// <returns>Its exit code, or 128 plus the signal.</returns>
    public int WaitForExit()
    {
        Deadline.Wait("the end of the command on the terminal", () => _status is not null || Reaped(), () => Screen.Text);
        return _status!.Value.Code;
    }

    public void Dispose()
    {
        if (_status is null)
        {
            _process.PidFd.TrySendSignal(Signal.SIGKILL, out _);
            WaitForExit();
        }

        _process.Dispose();
        _screen.Dispose();
        _master.Dispose();
    }

    private static FileStream Open(PtyMaster master)
    {
        var handle = new SafeFileHandle(master.DangerousGetHandle(), ownsHandle: false);
        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }

    private bool Reaped()
    {
        if (!_process.PidFd.TryWait(out ExitStatus status))
        {
            return false;
        }

        _status = status;
        return true;
    }
}
