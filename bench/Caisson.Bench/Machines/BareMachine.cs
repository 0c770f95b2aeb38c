using System.Diagnostics;
using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.Bench;

/// <summary>
/// A machine started by QEMU itself, with the command line that Caisson gives it and nothing around it: no jail, no file server, no
/// supervisor.
/// </summary>
internal sealed class BareMachine : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly ClonedProcess _qemu;
    private readonly string _directory;
    private bool _reaped;

    private BareMachine(ClonedProcess qemu, string directory)
    {
        _qemu = qemu;
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

    internal static BareMachine Start(BenchPlace place, Accelerator accelerator, string initrd, AgentTransport agent)
    {
        var config = new VmConfig
        {
            Name = "bench",
            Accelerator = accelerator,
            Kernel = place.Kernel,
            Initrd = initrd,
            Agent = agent,
            Identity = new JailIdentity(0, 0),
        };
        string directory = Path.Combine(place.Directory, place.NewId("machine"));
        Directory.CreateDirectory(directory);
        using UnixSocket monitor = UnixSocket.Listen(Path.Combine(directory, "qmp.sock"));
        using UnixSocket? port = agent == AgentTransport.VirtioSerial ? UnixSocket.Listen(Path.Combine(directory, "agent.sock")) : null;
        using FileFd console = FileCalls.Open(Path.Combine(directory, "console.log"), OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0x180);
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

        string qemu = QemuInstallation.Find().Executable;
        ClonedProcess process = clone
            .CloseRangeFrom(QemuDescriptors.FileSharing)
            .Execve(qemu, [qemu, .. QemuCommandLine.Build(config)], [.. ChildCommand.Environment()])
            .Start();
        return new BareMachine(process, directory);
    }

    /// <summary>From the start of QEMU to its end, of a machine that ends by itself.</summary>
    internal static TimeSpan TimeWholeLife(BenchPlace place, Accelerator accelerator, string initrd)
    {
        long start = Stopwatch.GetTimestamp();
        using BareMachine machine = Start(place, accelerator, initrd, AgentTransport.None);
        machine.AwaitEnd();
        return Stopwatch.GetElapsedTime(start);
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
        Directory.Delete(_directory, recursive: true);
    }
}
