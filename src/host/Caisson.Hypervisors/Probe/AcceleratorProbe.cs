using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>
/// Finds out whether KVM works here. That /dev/kvm opens proves nothing: there are hosts where it opens, makes a virtual CPU, and
/// no kernel ever runs on it. So the guest kernel itself is started, and has to say something.
/// </summary>
public sealed class AcceleratorProbe
{
    private const string Kvm = "/dev/kvm";

    // A kernel under KVM speaks within a few hundred milliseconds, also on a busy host.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly IHypervisor _hypervisor;
    private readonly QemuInstallation _installation;
    private readonly string _cacheDirectory;

    /// <param name="hypervisor">Starts the probe's machine as it will start real ones: in the same jail.</param>
    /// <param name="installation">The QEMU it starts.</param>
    /// <param name="cacheDirectory">Where the verdict is kept; made if missing.</param>
    public AcceleratorProbe(IHypervisor hypervisor, QemuInstallation installation, string cacheDirectory)
    {
        _hypervisor = hypervisor;
        _installation = installation;
        _cacheDirectory = cacheDirectory;
    }

    /// <summary>Says which accelerator to use, starting a machine only when nobody has since anything relevant changed.</summary>
    /// <param name="choice">What the user asks for; anything but <see cref="AcceleratorChoice.Auto"/> is taken without any check.</param>
    /// <param name="kernel">The guest kernel.</param>
    /// <param name="identity">The user of the probe's machine.</param>
    /// <param name="progress">Told, before it happens, what takes a while.</param>
    /// <param name="cancellationToken">Ends the probe; nothing is remembered then.</param>
    public async Task<AcceleratorVerdict> ChooseAsync(
        AcceleratorChoice choice, string kernel, JailIdentity identity, Action<string>? progress, CancellationToken cancellationToken)
    {
        if (choice != AcceleratorChoice.Auto)
        {
            return new AcceleratorVerdict(choice == AcceleratorChoice.Kvm ? Accelerator.Kvm : Accelerator.Tcg, "asked for", ProbedAt: null);
        }

        if (!FileCalls.TryOpen(Kvm, OpenFlags.O_RDWR, out FileFd device, out Errno why))
        {
            return new AcceleratorVerdict(Accelerator.Tcg, $"{Kvm}: {why.Describe()}", ProbedAt: null);
        }

        device.Dispose();
        if (!File.Exists(kernel))
        {
            throw new HypervisorException("find the guest kernel", $"there is no {kernel}", "build it: caisson guest build");
        }

        var cache = new AcceleratorCache(_cacheDirectory, _installation.Executable, kernel);
        if (cache.Read() is { } known)
        {
            return known;
        }

        progress?.Invoke($"trying the guest kernel under KVM, once (up to {s_patience.TotalSeconds:0} s)");
        AcceleratorVerdict verdict = await ProbeAsync(kernel, identity, cancellationToken).ConfigureAwait(false);
        cache.Write(verdict);
        return verdict;
    }

    /// <summary>What is known without starting anything; null if a probe is needed.</summary>
    public AcceleratorVerdict? Known(string kernel) =>
        File.Exists(kernel) ? new AcceleratorCache(_cacheDirectory, _installation.Executable, kernel).Read() : null;

    private async Task<AcceleratorVerdict> ProbeAsync(string kernel, JailIdentity identity, CancellationToken cancellationToken)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("caisson-probe-");
        try
        {
            return await RunAsync(kernel, identity, directory.FullName, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException cause)
        {
            return Verdict(Accelerator.Tcg, $"QEMU refused KVM: {cause.Message.ReplaceLineEndings(" ")}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async Task<AcceleratorVerdict> RunAsync(string kernel, JailIdentity identity, string directory, CancellationToken cancellationToken)
    {
        var config = new VmConfig
        {
            Name = "probe",
            Accelerator = Accelerator.Kvm,
            Kernel = kernel,
            // Before the console's driver, so that the answer comes as early as it can.
            ExtraKernelParameters = ["earlyprintk=serial,ttyS0,115200"],
            VerboseBoot = true,
            MemoryMiB = 128,
            Agent = AgentTransport.None,
            Identity = identity,
        };
        IVirtualMachine machine = await _hypervisor.StartAsync(config, directory, cancellationToken).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task limit = Task.Delay(s_patience, waiting.Token);
            await Task.WhenAny(machine.ConsoleSpoke, machine.Exited, limit).ConfigureAwait(false);
            bool spoke = machine.ConsoleSpoke.IsCompletedSuccessfully;
            bool ended = machine.Exited.IsCompleted;
            VmExit exit = await machine.StopAsync().ConfigureAwait(false);
            await waiting.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return spoke ? Verdict(Accelerator.Kvm, "the guest kernel ran under KVM")
                : ended ? Verdict(Accelerator.Tcg, $"under KVM QEMU ended: {exit.Detail.ReplaceLineEndings(" ")}")
                : Verdict(Accelerator.Tcg, $"{Kvm} opens, but the guest kernel did not run under KVM within {s_patience.TotalSeconds:0} s");
        }
    }

    private static AcceleratorVerdict Verdict(Accelerator accelerator, string reason) => new(accelerator, reason, DateTimeOffset.UtcNow);
}
