namespace Caisson.Hypervisors;

/// <summary>
/// QEMU's arguments for one machine: a q35 without anything that Linux does not need to run containers. What is left out, and
/// why the kernel's parameters are these, was measured: each device less is probe time, which is boot time under TCG.
/// </summary>
public static class QemuCommandLine
{
    /// <summary>The name by which the guest finds its end of the agent's port, below /sys/class/virtio-ports.</summary>
    public const string AgentPortName = "agent.channel.0";

    /// <summary>The tag by which the guest mounts the shared directory; Kata's.</summary>
    public const string ShareTag = "kataShared";

    // Debian's kernel with the agent's modules needs 80 MiB to reach init; below that it dies without a word.
    private const int LeastMemoryMiB = 96;

    // QEMU's q35 of version 7.2 stops at 288 (query-machines: cpu-max).
    private const int MostVcpus = 288;

    // CID 0 to 2 are the hypervisor, loopback and the host (vsock(7)).
    private const uint FirstGuestContextId = 3;

    /// <summary>The kernel's parameters without the configuration's own.</summary>
    /// <remarks>
    /// notests: the crypto self tests are 0.2 s under TCG. noreplace-smp: patching lock prefixes makes TCG translate twice.
    /// no_timer_check: under load the check fails, and the kernel panics. rcu_expedited: creating a container waits for several
    /// grace periods, of 10 ms and more each otherwise. panic=1 with -no-reboot: QEMU ends when the kernel does.
    /// </remarks>
    public const string KernelParameters = "console=ttyS0 cryptomgr.notests noreplace-smp no_timer_check rcupdate.rcu_expedited=1 panic=1";

    /// <summary>The arguments after argv[0].</summary>
    /// <param name="config">The machine.</param>
    /// <param name="withVhostNet">Whether each queue of a network card has an open /dev/vhost-net beside it.</param>
    public static IReadOnlyList<string> Build(VmConfig config, bool withVhostNet = false)
    {
        ArgumentNullException.ThrowIfNull(config);
        Check(config);
        List<string> arguments = ["-name", $"caisson-{Escape(config.Name)}", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"];
        AddMachine(arguments, config);
        AddKernel(arguments, config);
        AddMonitorAndConsole(arguments);
        AddAgent(arguments, config);
        AddFileSharing(arguments, config);
        AddNetwork(arguments, config, withVhostNet);
        arguments.AddRange(["-object", "rng-builtin,id=entropy", "-device", "virtio-rng-pci,rng=entropy"]);
        arguments.AddRange(["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]);
        return arguments;
    }

    /// <summary>A value inside an option list: there a comma separates, and two are one.</summary>
    public static string Escape(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Replace(",", ",,", StringComparison.Ordinal);
    }

    private static void Check(VmConfig config)
    {
        Require(config.Vcpus is >= 1 and <= MostVcpus, $"{config.Vcpus} vCPUs asked for, 1 to {MostVcpus} are possible");
        Require(config.MemoryMiB >= LeastMemoryMiB, $"{config.MemoryMiB} MiB of memory asked for, the guest kernel needs {LeastMemoryMiB}");
        Require(config.Agent != AgentTransport.Vsock || config.VsockContextId >= FirstGuestContextId,
            $"vsock context id {config.VsockContextId} is reserved, guests begin at {FirstGuestContextId}");
    }

    private static void Require(bool holds, string reason)
    {
        if (!holds)
        {
            throw new HypervisorException("configure", reason);
        }
    }

    /// <summary>
    /// How much translated code software emulation keeps, in MiB. QEMU's own bound is 1 GiB (tcg/region.c), which a guest that runs
    /// much code fills, whatever its own memory: more than the cgroup on the host allows beside that.
    /// </summary>
    public const int TranslationCacheMiB = 128;

    private static void AddMachine(List<string> arguments, VmConfig config)
    {
        (string accelerator, string processor) = config.Accelerator == Accelerator.Kvm ? ("kvm", "host") : ($"tcg,tb-size={TranslationCacheMiB}", "max");
        arguments.AddRange(
        [
            "-M", "q35,sata=off,usb=off,smbus=off,vmport=off,hpet=off,memory-backend=ram",
            "-accel", accelerator,
            "-cpu", processor,
            "-smp", $"{config.Vcpus}",
            "-m", $"{config.MemoryMiB}M",
            // Shared, because virtiofsd reads and writes the guest's memory itself.
            "-object", $"memory-backend-memfd,id=ram,size={config.MemoryMiB}M,share=on",
        ]);
    }

    private static void AddKernel(List<string> arguments, VmConfig config)
    {
        // -kernel, -initrd and -append are no option lists: commas stay single.
        arguments.AddRange(["-kernel", config.Kernel]);
        if (config.Initrd is not null)
        {
            arguments.AddRange(["-initrd", config.Initrd]);
        }

        List<string> parameters = [KernelParameters, .. config.ExtraKernelParameters];
        if (!config.VerboseBoot)
        {
            parameters.Insert(0, "quiet");
        }

        arguments.AddRange(["-append", string.Join(' ', parameters)]);
    }

    private static void AddMonitorAndConsole(List<string> arguments) => arguments.AddRange(
    [
        "-chardev", $"socket,id=qmp,fd={QemuDescriptors.Qmp},server=on,wait=off",
        "-mon", "chardev=qmp,mode=control",
        // A file chardev takes no fd=, but it opens descriptors of a set by name.
        "-add-fd", $"fd={QemuDescriptors.Console},set=1",
        "-chardev", "file,id=console,path=/dev/fdset/1,append=on",
        "-device", "isa-serial,chardev=console",
    ]);

    private static void AddAgent(List<string> arguments, VmConfig config)
    {
        switch (config.Agent)
        {
            case AgentTransport.None:
                break;
            case AgentTransport.VirtioSerial:
                arguments.AddRange(
                [
                    "-device", "virtio-serial-pci,id=serial",
                    "-chardev", $"socket,id=agent,fd={QemuDescriptors.Agent},server=on,wait=off",
                    "-device", $"virtserialport,bus=serial.0,chardev=agent,name={AgentPortName}",
                ]);
                break;
            case AgentTransport.Vsock:
                arguments.AddRange(["-device", $"vhost-vsock-pci,vhostfd={QemuDescriptors.Agent},guest-cid={config.VsockContextId}"]);
                break;
            default:
                throw new HypervisorException("configure", $"unknown agent transport {config.Agent}");
        }
    }

    private static void AddFileSharing(List<string> arguments, VmConfig config)
    {
        if (config.SharedDirectory is null)
        {
            return;
        }

        arguments.AddRange(
        [
            "-chardev", $"socket,id=share,fd={QemuDescriptors.FileSharing}",
            "-device", $"vhost-user-fs-pci,queue-size=1024,chardev=share,tag={ShareTag}",
        ]);
    }

    private static void AddNetwork(List<string> arguments, VmConfig config, bool withVhostNet)
    {
        if (config.TakesNetworkCards || config.NetworkCards.Count > 0)
        {
            // Devices on q35's own bus cannot be unplugged, and none can be plugged in.
            arguments.AddRange(["-device", $"pcie-pci-bridge,id={NetworkBus}"]);
        }

        int next = QemuDescriptors.FirstNetworkQueue;
        foreach (VmNetworkCard card in config.NetworkCards)
        {
            var queues = new List<int>(card.Queues.Count);
            var vhosts = new List<int>(card.Queues.Count);
            for (int queue = 0; queue < card.Queues.Count; queue++)
            {
                queues.Add(next++);
                if (withVhostNet)
                {
                    vhosts.Add(next++);
                }
            }

            arguments.AddRange(["-netdev", $"tap,id={card.Id}{NumbersOf("fd", queues)}{(withVhostNet ? ",vhost=on" : "")}{NumbersOf("vhostfd", vhosts)}"]);

            // No option ROM: nothing boots from it.
            string queuesOption = queues.Count > 1 ? $",mq=on,vectors={VectorsFor(queues.Count)}" : "";
            arguments.AddRange(
            [
                "-device",
                $"virtio-net-pci,id={DeviceIdOf(card.Id)},bus={NetworkBus},netdev={card.Id},mac={card.HardwareAddress},romfile=,disable-legacy=on{queuesOption}",
            ]);
        }
    }

    /// <summary>The bus of network cards.</summary>
    internal const string NetworkBus = "plug";

    /// <summary>A network card's device; its other half, which holds the TAP, has the card's own id.</summary>
    internal static string DeviceIdOf(string cardId) => $"card-{cardId}";

    /// <summary>Interrupt vectors: one for each queue's two rings, one for changes of the configuration, one for the control ring.</summary>
    internal static int VectorsFor(int queues) => (2 * queues) + 2;

    private static string NumbersOf(string option, List<int> numbers) => numbers.Count switch
    {
        0 => "",
        1 => $",{option}={numbers[0]}",
        _ => $",{option}s={string.Join(':', numbers)}",
    };
}
