using System.Diagnostics;
using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>
/// A machine started by QEMU itself, with the command line that Caisson gives it and nothing around it: no jail, no supervisor, and a file
/// server only where a directory is to be shared.
/// </summary>
internal sealed class BareMachine : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly ClonedProcess _qemu;
    private readonly string _directory;
    private readonly ClonedProcess? _fileServer;
    private bool _reaped;

    private BareMachine(ClonedProcess qemu, ClonedProcess? fileServer, string directory)
    {
        _qemu = qemu;
        _fileServer = fileServer;
        _directory = directory;
    }

    internal string AgentSocket => Path.Combine(_directory, "agent.sock");

    /// <summary>The accelerator that Caisson has chosen for its machines here.</summary>
    internal static Accelerator ChosenAccelerator(BenchPlace place)
    {
        var installation = QemuInstallation.Find();
        var probe = new AcceleratorProbe(new QemuHypervisor(LauncherProgram.Self, installation), installation, "/run/caisson/probe");
        return probe.Known(place.Kernel)?.Accelerator ?? Accelerator.Tcg;
    }

    internal static BareMachine Start(BenchPlace place, Accelerator accelerator, string initrd, AgentTransport agent, string? share = null, VmNetworkCard? card = null)
    {
        var config = new VmConfig
        {
            Name = "bench",
            Accelerator = accelerator,
            Kernel = place.Kernel,
            Initrd = initrd,
            Agent = agent,
            SharedDirectory = share,
            NetworkCards = card is null ? [] : [card],
            Identity = new JailIdentity(0, 0),
        };
        string directory = Path.Combine(place.Directory, place.NewId("machine"));
        Directory.CreateDirectory(directory);
        using UnixSocket monitor = UnixSocket.Listen(Path.Combine(directory, "qmp.sock"));
        using UnixSocket? port = agent == AgentTransport.VirtioSerial ? UnixSocket.Listen(Path.Combine(directory, "agent.sock")) : null;
        using FileFd console = FileCalls.Open(Path.Combine(directory, "console.log"), OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND, 0x180);
        UnixSocket? files = null;
        ClonedProcess? fileServer = share is null ? null : StartFileServer(directory, share, console, out files);
        using UnixSocket? connection = files;
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        PreparedClone clone = new PreparedClone()
            .Setpgid()
            .DuplicateTo(nothing, 0)
            .DuplicateTo(nothing, 1)
            .DuplicateTo(console, 2)
            .DuplicateTo(monitor, QemuDescriptors.Qmp)
            .DuplicateTo(console, QemuDescriptors.Console);
        if (port is not null)
        {
            clone.DuplicateTo(port, QemuDescriptors.Agent);
        }

        if (connection is not null)
        {
            clone.DuplicateTo(connection, QemuDescriptors.FileSharing);
        }

        if (card is not null)
        {
            clone.DuplicateTo(card.Queues[0], QemuDescriptors.FirstNetworkQueue);
        }

        // Between the two there may be nothing but what is closed by execve anyway.
        int last = card is not null ? QemuDescriptors.FirstNetworkQueue : QemuDescriptors.FileSharing - (connection is null ? 1 : 0);
        string qemu = QemuInstallation.Find().Executable;
        ClonedProcess process = clone
            .CloseRangeFrom(last + 1)
            .Execve(qemu, [qemu, .. QemuCommandLine.Build(config)], [.. ChildCommand.Environment()])
            .Start();
        return new BareMachine(process, fileServer, directory);
    }

    /// <summary>From the start of QEMU to its end, of a machine that ends by itself.</summary>
    internal static TimeSpan TimeWholeLife(BenchPlace place, Accelerator accelerator, string initrd)
    {
        long start = Stopwatch.GetTimestamp();
        using BareMachine machine = Start(place, accelerator, initrd, AgentTransport.None);
        machine.AwaitEnd();
        return Stopwatch.GetElapsedTime(start);
    }

    private static ClonedProcess StartFileServer(string directory, string share, FileFd log, out UnixSocket connection)
    {
        string executable = VirtiofsServer.Find();
        string path = Path.Combine(directory, "fs.sock");
        using UnixSocket listening = UnixSocket.Listen(path);
        connection = UnixSocket.Connect(path);
        return new PreparedClone()
            .Setpgid()
            .DuplicateTo(log, 1)
            .DuplicateTo(log, 2)
            .DuplicateTo(listening, VirtiofsServer.Socket)
            .CloseRangeFrom(VirtiofsServer.Socket + 1)
            .Execve(executable, [executable, .. VirtiofsServer.Arguments(executable, share)], [.. ChildCommand.Environment()])
            .Start();
    }

    private void AwaitEnd()
    {
        if (Poller.Wait(_qemu.PidFd, PollEvents.In, s_patience) == 0)
        {
            throw new BenchException($"a bare machine did not end within {s_patience.TotalSeconds:0} s: {Console()}");
        }

        _reaped = true;
        int code = _qemu.PidFd.Wait().Code;
        if (code != 0)
        {
            throw new BenchException($"a bare QEMU exited with {code}: {Console()}");
        }
    }

    private string Console() => File.ReadAllText(Path.Combine(_directory, "console.log")).Trim();

    public void Dispose()
    {
        if (!_reaped)
        {
            _ = _qemu.PidFd.TrySendSignal(Signal.SIGKILL, out _);
            _ = _qemu.PidFd.Wait();
        }

        _qemu.Dispose();
        EndFileServer();
        Directory.Delete(_directory, recursive: true);
    }

    // It ends when its machine does.
    private void EndFileServer()
    {
        if (_fileServer is null)
        {
            return;
        }

        if (Poller.Wait(_fileServer.PidFd, PollEvents.In, TimeSpan.FromSeconds(10)) == 0)
        {
            _ = _fileServer.PidFd.TrySendSignal(Signal.SIGKILL, out _);
        }

        _ = _fileServer.PidFd.Wait();
        _fileServer.Dispose();
    }
}
