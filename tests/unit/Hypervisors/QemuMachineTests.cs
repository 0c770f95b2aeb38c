using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Tests;

namespace Caisson.UnitTests.Hypervisors;

/// <summary>
/// Real QEMU, in its jail, under TCG. The guest has no init: its kernel panics after a second, and stays in that state
/// (panic=0) where a test needs a machine that runs.
/// </summary>
public sealed class QemuMachineTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("caisson-vm-").FullName;
    private readonly string _share = Directory.CreateTempSubdirectory("caisson-share-").FullName;
    private readonly QemuHypervisor _hypervisor = new(TestLauncher.Program, QemuInstallation.Find());

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        Directory.Delete(_share, recursive: true);
    }

    [Fact]
    public async Task A_machine_boots_pauses_resumes_and_stops_without_a_trace()
    {
        await using IVirtualMachine machine = await StartAsync(Running() with { VerboseBoot = true });

        await machine.ConsoleSpoke.WaitAsync(s_patience);
        Assert.Equal(VmStatus.Running, await machine.QueryStatusAsync(CancellationToken.None));
        await machine.PauseAsync(CancellationToken.None);
        Assert.Equal(VmStatus.Paused, await machine.QueryStatusAsync(CancellationToken.None));
        await machine.ResumeAsync(CancellationToken.None);
        Assert.Equal(VmStatus.Running, await machine.QueryStatusAsync(CancellationToken.None));

        VmExit exit = await machine.StopAsync();

        Assert.Equal(VmExitCause.Stopped, exit.Cause);
        Assert.Equal(9, exit.Status!.Value.Signal);
        AssertGone(machine.Record);
        Assert.Equal(["console.log", "qemu.log", "virtiofsd.log"], Names(_directory));
    }

    [Fact]
    public async Task Qemu_has_no_privilege_and_a_filter_of_system_calls()
    {
        await using IVirtualMachine machine = await StartAsync(Running());

        Dictionary<string, string> status = File.ReadLines($"/proc/{machine.Record.Hypervisor.Pid}/status")
            .Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim());
        string[] mounts = [.. MountInfo.Read(machine.Record.Hypervisor.Pid).Select(mount => mount.MountPoint)];
        await machine.StopAsync();

        Assert.Equal("100001\t100001\t100001\t100001", status["Uid"]);
        Assert.Equal("0000000000000000", status["CapBnd"]);
        Assert.Equal(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]));
        Assert.DoesNotContain("/proc", mounts);
        Assert.Contains("/", mounts);
    }

    [Fact]
    public async Task A_guest_panic_is_the_cause_and_its_words_are_kept()
    {
        await using IVirtualMachine machine = await StartAsync(Running() with { ExtraKernelParameters = [] });

        VmExit exit = await machine.Exited.WaitAsync(s_patience);

        Assert.Equal(VmExitCause.GuestPanic, exit.Cause);
        Assert.Contains("Kernel panic", File.ReadAllText(Path.Combine(_directory, "console.log")), StringComparison.Ordinal);
        AssertGone(machine.Record);
    }

    [Fact]
    public async Task The_agents_socket_is_there_before_the_guest_is()
    {
        await using IVirtualMachine machine = await StartAsync(Running());

        using UnixSocket agent = UnixSocket.Connect(machine.AgentSocket!);
        agent.Write("hello"u8);
        await machine.StopAsync();

        // What the guest never read is reset; either way QEMU's end of the connection is closed.
        byte[] buffer = new byte[1];
        bool gotData = agent.TryRead(buffer, out int count, out _) && count > 0;
        Assert.False(gotData);
    }

    [Fact]
    public async Task The_death_of_virtiofsd_ends_the_machine()
    {
        await using IVirtualMachine machine = await StartAsync(Running() with { SharedDirectory = _share });

        Kill(machine.Record.FileServer!.Value);
        VmExit exit = await machine.Exited.WaitAsync(s_patience);

        Assert.Equal(VmExitCause.FileServerDied, exit.Cause);
        AssertGone(machine.Record);
    }

    [Fact]
    public async Task The_death_of_qemu_is_told_and_ends_virtiofsd()
    {
        await using IVirtualMachine machine = await StartAsync(Running() with { SharedDirectory = _share });

        Kill(machine.Record.Hypervisor);
        VmExit exit = await machine.Exited.WaitAsync(s_patience);

        Assert.Equal((VmExitCause.Killed, "QEMU was killed by signal 9"), (exit.Cause, exit.Detail.Split(':')[0]));
        AssertGone(machine.Record);
    }

    [Fact]
    public async Task Death_by_the_oom_killer_is_told_apart()
    {
        var hypervisor = new QemuHypervisor(TestLauncher.Program, QemuInstallation.Find()) { RanOutOfMemory = () => true };
        await using IVirtualMachine machine = await hypervisor.StartAsync(Running(), _directory, CancellationToken.None);

        Kill(machine.Record.Hypervisor);

        Assert.Equal(VmExitCause.OutOfMemory, (await machine.Exited.WaitAsync(s_patience)).Cause);
    }

    [Fact]
    public async Task A_later_supervisor_takes_the_machine_over()
    {
        IVirtualMachine first = await StartAsync(Running() with { SharedDirectory = _share });
        await first.DisposeAsync();

        await using IVirtualMachine second = await _hypervisor.AttachAsync(first.Record, CancellationToken.None);

        Assert.Equal(VmExitCause.Unknown, (await first.Exited).Cause);
        Assert.Equal(first.Record, second.Record);
        Assert.Equal(first.AgentSocket, second.AgentSocket);
        await second.PauseAsync(CancellationToken.None);
        Assert.Equal(VmStatus.Paused, await second.QueryStatusAsync(CancellationToken.None));
        Assert.Equal(VmExitCause.Stopped, (await second.StopAsync()).Cause);
        AssertGone(first.Record);
    }

    [Fact]
    public async Task A_machine_that_is_gone_cannot_be_taken_over()
    {
        IVirtualMachine machine = await StartAsync(Running());
        await machine.StopAsync();
        await machine.DisposeAsync();

        HypervisorException refused = await Assert.ThrowsAsync<HypervisorException>(
            () => _hypervisor.AttachAsync(machine.Record, CancellationToken.None));

        Assert.Contains("is not running any more", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_that_qemu_refuses_is_an_error_in_its_words_and_leaves_nothing()
    {
        string kernel = Path.Combine(_share, "vmlinux");
        File.WriteAllText(kernel, "this is no kernel");

        HypervisorException refused = await Assert.ThrowsAsync<HypervisorException>(
            () => StartAsync(Running() with { Kernel = kernel, SharedDirectory = _share }));

        Assert.StartsWith("vm: start QEMU:", refused.Message, StringComparison.Ordinal);
        Assert.Contains("qemu", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["console.log", "qemu.log", "virtiofsd.log"], Names(_directory));
    }

    [Fact]
    public async Task A_virtiofsd_that_dies_at_its_start_is_an_error_in_its_words()
    {
        var hypervisor = new QemuHypervisor(TestLauncher.Program, QemuInstallation.Find(), "/bin/false");

        HypervisorException refused = await Assert.ThrowsAsync<HypervisorException>(
            () => hypervisor.StartAsync(Running() with { SharedDirectory = _share }, _directory, CancellationToken.None));

        Assert.StartsWith("vm: start QEMU:", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["console.log", "qemu.log", "virtiofsd.log"], Names(_directory));
    }

    [Fact]
    public async Task A_card_that_qemu_refuses_leaves_no_queue_with_it()
    {
        await using IVirtualMachine machine = await StartAsync(Running());
        using PipePair first = PipePair.Create();
        using PipePair second = PipePair.Create();

        // Pipes are no TAPs: QEMU looks at the first one and gives up.
        await Assert.ThrowsAsync<HypervisorException>(() => machine.AddNetworkCardAsync(
            new VmNetworkCard("card", "02:00:00:00:00:01", [first.Write, second.Write]), CancellationToken.None));
        second.Write.Dispose();

        Assert.NotEqual(PollEvents.None, Poller.Wait(second.Read, PollEvents.In, s_patience));
        Assert.Empty(second.Read.ReadToEnd(1));
        await machine.StopAsync();
    }

    [Fact]
    public void A_virtiofsd_that_only_lost_its_qemu_is_not_given_for_the_reason()
    {
        var lost = ExitStatus.FromWaitStatus(0);
        var failed = ExitStatus.FromWaitStatus(1 << 8);

        Assert.Equal("it ended at its start: bad kernel", QemuHypervisor.WhoseEnd(lost, "virtio_loop: Exit", "bad kernel"));
        Assert.Equal("it ended at its start: bad kernel", QemuHypervisor.WhoseEnd(null, "", "bad kernel"));
        Assert.Equal("virtiofsd ended at its start: no such source", QemuHypervisor.WhoseEnd(failed, "no such source", "vhost failed"));
        Assert.Equal("virtiofsd ended at its start: ", QemuHypervisor.WhoseEnd(lost, "", ""));
        Assert.Null(QemuHypervisor.WhoseEnd(null, "", ""));
    }

    [Fact]
    public async Task What_is_not_installed_is_named_with_the_remedy()
    {
        HypervisorException noQemu = Assert.Throws<HypervisorException>(() => QemuInstallation.Find("/opt/qemu"));
        HypervisorException noKernel = await Assert.ThrowsAsync<HypervisorException>(() => StartAsync(Running() with { Kernel = "/no/vmlinux" }));
        HypervisorException noInitrd = await Assert.ThrowsAsync<HypervisorException>(() => StartAsync(Running() with { Initrd = "/no/initrd" }));
        var hypervisor = new QemuHypervisor(TestLauncher.Program, QemuInstallation.Find(), "/no/virtiofsd");
        HypervisorException noServer = await Assert.ThrowsAsync<HypervisorException>(
            () => hypervisor.StartAsync(Running() with { SharedDirectory = _share }, _directory, CancellationToken.None));

        Assert.Equal("vm: find QEMU: there is no /opt/qemu; install it: apt install qemu-system-x86 (Fedora: dnf install qemu-system-x86-core)", noQemu.Message);
        Assert.Equal("vm: find the guest kernel: there is no /no/vmlinux; build it: caisson guest build", noKernel.Message);
        Assert.Equal("vm: find the guest initrd: there is no /no/initrd; build it: caisson guest build", noInitrd.Message);
        Assert.StartsWith("vm: find virtiofsd: there is no /no/virtiofsd; install it:", noServer.Message, StringComparison.Ordinal);
    }

    private static VmConfig Running() => new()
    {
        Name = "test",
        Accelerator = Accelerator.Tcg,
        Kernel = GuestKernel.Require(),
        MemoryMiB = 128,
        ExtraKernelParameters = ["panic=0"],
        Identity = new JailIdentity(100_001, 100_001),
    };

    private Task<IVirtualMachine> StartAsync(VmConfig config) => _hypervisor.StartAsync(config, _directory, CancellationToken.None);

    private static void Kill(ProcessIdentity process)
    {
        using PidFd pidFd = PidFd.Open(process.Pid);
        pidFd.SendSignal(9);
    }

    private static string[] Names(string directory) =>
        [.. Directory.GetFileSystemEntries(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static void AssertGone(VmRecord record)
    {
        Assert.False(record.Hypervisor.IsAlive);
        Assert.False(record.FileServer?.IsAlive ?? false);
    }
}
