using Caisson.Containers;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>The agent's ends of a process's streams, and, until it has been started, the process's own ends.</summary>
internal sealed class ProcessStreams : IDisposable
{
    private readonly List<FileDescriptor> _ours = [];
    private readonly List<FileDescriptor> _theirs = [];
    private UnixSocket? _console;    // where the container's init sends the terminal's master
    private FileDescriptor? _input;
    private FileDescriptor? _output;
    private FileDescriptor? _error;

    private ProcessStreams()
    {
    }

    /// <summary>What becomes 0, 1 and 2; null for a process with a terminal.</summary>
    internal StandardStreams? Standard { get; private set; }

    /// <summary>Where the terminal's master is to be sent; null for a process without.</summary>
    internal UnixSocket? ConsoleSocket { get; private set; }

    internal bool IsTerminal => ConsoleSocket is not null;

    /// <summary>What is written to for stdin; of a terminal the master, which is read, too.</summary>
    internal FileDescriptor Input => _input!;

    internal FileDescriptor Output => _output!;

    /// <summary>Null for a terminal, which has one output.</summary>
    internal FileDescriptor? Error => _error;

    internal static ProcessStreams Create(bool terminal)
    {
        var streams = new ProcessStreams();
        if (terminal)
        {
            (streams._console, UnixSocket theirs) = UnixSocket.Pair();
            streams.ConsoleSocket = theirs;
            streams._theirs.Add(theirs);
            streams._ours.Add(streams._console);
            return streams;
        }

        PipePair input = PipePair.Create();
        PipePair output = PipePair.Create();
        PipePair error = PipePair.Create();
        streams._ours.AddRange([output.Read, error.Read]);    // stdin's end belongs to the InputFeed
        streams._theirs.AddRange([input.Read, output.Write, error.Write]);
        (streams._input, streams._output, streams._error) = (input.Write, output.Read, error.Read);
        streams.Standard = new StandardStreams(input.Read, output.Write, error.Write);
        return streams;
    }

    /// <summary>The process has its ends: ours are made ready. Blocks until the terminal's master, if any, has been taken.</summary>
    internal void Connect()
    {
        foreach (FileDescriptor end in _theirs)
        {
            end.Dispose();
        }

        if (_console is not null)
        {
            ReceiveTerminal(_console);
        }

        _input!.SetNonBlocking(true);
        _output!.SetNonBlocking(true);
        _error?.SetNonBlocking(true);
    }

    /// <summary>Closes what is still open; nothing may be waiting for it any more.</summary>
    public void Dispose()
    {
        foreach (FileDescriptor end in _ours)
        {
            EventLoop.Shared.Forget(end);
            end.Dispose();
        }

        foreach (FileDescriptor end in _theirs)
        {
            end.Dispose();
        }
    }

    /// <summary>For a process that never came to be: the end of stdin, too, which has no feed yet.</summary>
    internal void Abandon()
    {
        if (_input is not null)
        {
            _input.Dispose();
        }

        Dispose();
    }

    private void ReceiveTerminal(UnixSocket console)
    {
        Span<byte> name = stackalloc byte[256];
        ReceivedMessage message = console.ReceiveMessage(name, maxDescriptors: 1);
        if (message.Descriptors.Count != 1)
        {
            throw new IOException("the container's init sent no terminal");
        }

        FileFd master = message.Descriptors[0];
        _ours.Add(master);
        (_input, _output) = (master, master);
    }
}
