using System.Globalization;
using Caisson.Hypervisors;
using Caisson.Linux;

namespace Caisson.Sandboxes;

/// <summary>A sandbox's machine on QEMU, with the agent inside.</summary>
internal sealed class QemuMachine(SandboxPlace place, SupervisorLog log) : ISandboxMachine
{
    // User and group ids of machines: a range without accounts, above what /etc/subuid hands out and below the signed limit.
    private const uint FirstMachineUser = 0x6000_0000;
    private const uint MachineUsers = 0x1000_0000;

    // One verdict for all sandboxes of this boot; the directory is the owner's alone, as all of the runtime's are.
    private string ProbeCache => Path.GetFullPath(Path.Combine(place.Directory, "../../probe"));

    private IVirtualMachine? _machine;
    private AgentLink? _link;
    private AgentGuest? _guest;
    private VmRecord? _attached;

    public IGuest Guest => _guest ?? throw new GuestGoneException("guest", "the virtual machine has not been started");

    public ProcessIdentity? Identity => (_machine?.Record ?? _attached)?.Hypervisor;

    public ProcessIdentity? FileServerIdentity => (_machine?.Record ?? _attached)?.FileServer;

    // The agent's own word on the kernel's command line.
    private const string AgentDebug = "caisson.debug";

    public async Task StartAsync(MachinePlan plan, string sharedDirectory, Action onProcess, CancellationToken cancellationToken)
    {
        uint user = FirstMachineUser + (uint)(ulong.Parse(place.Id, NumberStyles.HexNumber, CultureInfo.InvariantCulture) % MachineUsers);
        var config = new VmConfig
        {
            Name = place.Id,
            Accelerator = Accelerator.Tcg,
            Kernel = plan.Kernel,
            Initrd = plan.Initrd,
            Vcpus = plan.Size.VirtualCpus,
            MemoryMiB = plan.Size.MemoryMib,
            SharedDirectory = sharedDirectory,
            VerboseBoot = plan.Debug,
            ExtraKernelParameters = plan.Debug ? [.. plan.KernelParameters, AgentDebug] : plan.KernelParameters,
            NetworkCards = [.. CardsOf(plan)],
            TakesNetworkCards = plan.Network is not null,
            Identity = new JailIdentity(user, user),
        };
        try
        {
            var installation = new QemuInstallation(plan.Qemu);
            var hypervisor = new QemuHypervisor(LauncherProgram.Self, installation, plan.FileServer);
            var probe = new AcceleratorProbe(hypervisor, installation, ProbeCache);
            AcceleratorVerdict verdict = await probe.ChooseAsync(ChoiceOf(plan.Accelerator), plan.Kernel, config.Identity, log.Information, cancellationToken);
            Use(await hypervisor.StartAsync(config with { Accelerator = verdict.Accelerator }, place.Directory, cancellationToken));
        }
        catch (HypervisorException cause)
        {
            throw new SandboxException(cause.Message, cause);
        }

        onProcess();
    }

    public void Remember(ProcessIdentity? machine, ProcessIdentity? fileServer) =>
        _attached = machine is { } known ? new VmRecord(place.Directory, known, fileServer) : null;

    public async Task AttachAsync(CancellationToken cancellationToken)
    {
        VmRecord record = _attached ?? throw new SandboxException("virtual machine: none was started");
        try
        {
            Use(await new QemuHypervisor(LauncherProgram.Self, new QemuInstallation("")).AttachAsync(record, cancellationToken));
        }
        catch (HypervisorException cause)
        {
            throw new SandboxException(cause.Message, cause);
        }
    }

    public async Task<string> WaitAsync(CancellationToken cancellationToken)
    {
        Task<VmExit> exited = _machine!.Exited;
        Task<string> distrusted = _link!.Distrusted;
        await Task.WhenAny(exited, distrusted).WaitAsync(cancellationToken);
        if (!exited.IsCompleted)
        {
            return await distrusted;        // the caller ends a machine of which nothing can be believed
        }

        VmExit exit = await exited;
        string why = GuestText.Line($"virtual machine: {exit.Detail.Replace("\n", "; ", StringComparison.Ordinal)}");
        _link!.MachineGone(why);
        return why;
    }

    public Task AddNetworkCardAsync(NetworkCard card, CancellationToken cancellationToken) =>
        Told(_machine!.AddNetworkCardAsync(CardOf(card), cancellationToken));

    public Task RemoveNetworkCardAsync(string id, CancellationToken cancellationToken) =>
        Told(_machine!.RemoveNetworkCardAsync(id, cancellationToken));

    public async Task KillAsync()
    {
        if (_machine is not null)
        {
            VmExit exit = await _machine.StopAsync();
            log.Information($"virtual machine ended: {exit.Detail}");
        }
        else if (_attached is not null)
        {
            SandboxRemains.Kill(_attached.Hypervisor);
            SandboxRemains.Kill(_attached.FileServer);
        }

        _link?.MachineGone("the virtual machine was ended");
    }

    public async ValueTask DisposeAsync()
    {
        if (_link is not null)
        {
            await _link.DisposeAsync();
        }

        if (_machine is not null)
        {
            await _machine.DisposeAsync();
        }
    }

    private static VmNetworkCard CardOf(NetworkCard card) => new(card.Id, card.HardwareAddress, card.Queues);

    private static IEnumerable<VmNetworkCard> CardsOf(MachinePlan plan)
    {
        foreach (NetworkCard card in plan.NetworkCards)
        {
            yield return CardOf(card);
        }
    }

    private static async Task Told(Task operation)
    {
        try
        {
            await operation;
        }
        catch (HypervisorException cause)
        {
            throw new SandboxException(cause.Message, cause);
        }
    }

    private static AcceleratorChoice ChoiceOf(string name) => name switch
    {
        "kvm" => AcceleratorChoice.Kvm,
        "tcg" => AcceleratorChoice.Tcg,
        _ => AcceleratorChoice.Auto,
    };

    private void Use(IVirtualMachine machine)
    {
        _machine = machine;
        _link = new AgentLink(machine.AgentSocket!, log);
        _guest = new AgentGuest(_link);
    }
}
