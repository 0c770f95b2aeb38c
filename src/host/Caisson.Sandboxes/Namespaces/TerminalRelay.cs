using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Sandboxes;

/// <summary>Carries bytes between our own terminal (or whatever standard input and output are) and the master of a workload's.</summary>
internal sealed class TerminalRelay : IDisposable
{
    private const int ChunkBytes = 32 * 1024;

    private readonly PtyMaster _master;
    private readonly FileFd _input;
    private readonly FileFd _output;
    private readonly TerminalAttributes? _before;
    private readonly byte[] _buffer = new byte[ChunkBytes];
    private readonly byte[] _typed = new byte[ChunkBytes];
    private int _typedStart;
    private int _typedEnd;
    private bool _inputOpen = true;
    private bool _outputOpen = true;

    private TerminalRelay(PtyMaster master, FileFd input, FileFd output, TerminalAttributes? before)
    {
        _master = master;
        _input = input;
        _output = output;
        _before = before;
        // A workload that does not read must not stop us from passing signals.
        _master.SetNonBlocking(true);
    }

    internal static TerminalRelay Begin(PtyMaster master)
    {
        // Duplicates, so that closing ours leaves 0 and 1 alone.
        using FileFd standardInput = FileFd.FromNumber(0);
        using FileFd standardOutput = FileFd.FromNumber(1);
        try
        {
            FileFd input = standardInput.Duplicate();
            FileFd output = standardOutput.Duplicate();
            TerminalAttributes? before = Terminal.IsTerminal(input) ? Terminal.MakeRaw(input) : null;
            var relay = new TerminalRelay(master, input, output, before);
            relay.CopySize();
            return relay;
        }
        finally
        {
            standardInput.Release();
            standardOutput.Release();
        }
    }

    /// <summary>The size of our own terminal; null where standard input is none.</summary>
    internal static OciConsoleSize? OwnSize()
    {
        FileFd input = FileFd.FromNumber(0);
        try
        {
            return Terminal.IsTerminal(input) && Terminal.GetSize(input) is { Rows: > 0 } size
                ? new OciConsoleSize { Height = size.Rows, Width = size.Columns }
                : null;
        }
        finally
        {
            input.Release();
        }
    }

    /// <summary>Our terminal's size becomes the workload's.</summary>
    internal void CopySize()
    {
        if (_before is not null)
        {
            Terminal.SetSize(_master, Terminal.GetSize(_input));
        }
    }

    /// <summary>Says what to wait for: the master first, our input second.</summary>
    internal void Fill(Span<PollTarget> targets)
    {
        bool pending = _typedEnd > _typedStart;
        PollEvents wanted = (_outputOpen ? PollEvents.In : PollEvents.None) | (pending ? PollEvents.Out : PollEvents.None);
        targets[0] = new PollTarget(_outputOpen || pending ? _master : null, wanted);
        targets[1] = new PollTarget(_inputOpen && !pending ? _input : null, PollEvents.In);
    }

    /// <summary>Carries what is there.</summary>
    internal void Carry(ReadOnlySpan<PollTarget> targets)
    {
        if ((targets[0].Returned & ~PollEvents.Out) != PollEvents.None)
        {
            CarryOutput();
        }

        if (targets[1].Returned != PollEvents.None)
        {
            ReadInput();
        }

        if (_typedEnd > _typedStart)
        {
            WriteTyped();
        }
    }

    /// <summary>Carries the rest of the workload's output.</summary>
    internal void Drain()
    {
        while (_outputOpen && Poller.IsReady(_master, PollEvents.In))
        {
            CarryOutput();
        }
    }

    public void Dispose()
    {
        if (_before is { } before)
        {
            Terminal.SetAttributes(_input, before);
        }

        _input.Dispose();
        _output.Dispose();
        _master.Dispose();
    }

    private void CarryOutput()
    {
        // EIO is how a master says that nobody has the slave open any more.
        if (!_master.TryRead(_buffer, out int count, out Errno why) || count == 0)
        {
            _outputOpen = why is Errno.EAGAIN;
            return;
        }

        try
        {
            _output.WriteAll(_buffer.AsSpan(0, count));
        }
        catch (SyscallException)
        {
            // Whoever read our output is gone; the workload learns it by SIGHUP when we close the master at the end.
            _outputOpen = false;
        }
    }

    private void ReadInput()
    {
        _typedStart = 0;
        _typedEnd = _input.TryRead(_typed, out int count, out _) ? count : 0;
        if (_typedEnd == 0)
        {
            // As runc does, the end of a piped input is not passed on: a terminal has no end, only the character for it.
            _inputOpen = false;
        }
    }

    private void WriteTyped()
    {
        if (_master.TryWrite(_typed.AsSpan(_typedStart, _typedEnd - _typedStart), out int written, out Errno why))
        {
            _typedStart += written;
        }
        else if (why != Errno.EAGAIN)
        {
            _typedStart = _typedEnd;
        }
    }
}
