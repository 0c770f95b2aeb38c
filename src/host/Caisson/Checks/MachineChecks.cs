using System.Globalization;
using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What virtual machines need beyond the kernel.</summary>
internal static class MachineChecks
{
    // The probe's machine runs as an id of its own: below those that `do` maps, above those of sandboxes.
    private static readonly JailIdentity s_nobody = new(0x7FFE_FFFF, 0x7FFE_FFFF);

    internal static IEnumerable<CheckItem> All(VmConfiguration configuration, string probes)
    {
        yield return Find("QEMU", "vm.qemu", "install it: apt install qemu-system-x86", () => QemuInstallation.Find(configuration.Qemu).Executable);
        yield return Find("virtiofsd", "vm.virtiofsd", "install it: apt install qemu-system-common (Debian 13 and Fedora: virtiofsd)", () => VirtiofsServer.Find(configuration.Virtiofsd));
        yield return Assets(configuration);
        yield return TryAccelerator(configuration, probes);
        yield return Device("vsock", "/dev/vhost-vsock", "agents are reached by virtio-serial instead; modprobe vhost_vsock makes them quicker to reach");
        yield return Device("tun", "/dev/net/tun", "modprobe tun (networks of machines need it)");
    }

    private static CheckItem Find(string name, string key, string remedy, Func<string> find)
    {
        try
        {
            return CheckItem.Good(name, CheckScope.Vm, find());
        }
        catch (HypervisorException)
        {
            return new CheckItem(name, CheckLevel.Missing, CheckScope.Vm, "not found", $"{remedy}, or set {key}");
        }
    }

    private static CheckItem Assets(VmConfiguration configuration)
    {
        try
        {
            MachineAssets assets = MachineAssets.Find(configuration);
            return CheckItem.Good("guest", CheckScope.Vm, $"{assets.Kernel}, {assets.Initrd}");
        }
        catch (SandboxException cause)
        {
            return new CheckItem("guest", CheckLevel.Missing, CheckScope.Vm, cause.Message, "`caisson guest build`, in a clone of the repository `./dev build`");
        }
    }

    // An open device proves little: on some hosts no kernel ever runs on it. So the guest's kernel is tried, once for each boot of the host.
    private static CheckItem TryAccelerator(VmConfiguration configuration, string probes)
    {
        if (configuration.Accelerator is "tcg" or "kvm")
        {
            return CheckItem.Good("accelerator", CheckScope.Vm, $"{configuration.Accelerator}, as configured");
        }

        try
        {
            AcceleratorVerdict verdict = Probe(configuration, probes);
            string when = verdict.ProbedAt is { } at ? string.Create(CultureInfo.InvariantCulture, $", tried at {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC") : "";
            return CheckItem.Wish(
                verdict.Accelerator == Hypervisors.Accelerator.Kvm, "accelerator", CheckScope.Vm, $"{Word(verdict.Accelerator)}: {verdict.Reason}{when}", "use a host with KVM: machines run about ten times faster");
        }
        catch (Exception cause) when (cause is HypervisorException or SandboxException or IOException)
        {
            return new CheckItem("accelerator", CheckLevel.Limited, CheckScope.Vm, $"not tried: {cause.Message}", "mend what is missing above, and check again");
        }
    }

    private static string Word(Accelerator accelerator) => accelerator == Hypervisors.Accelerator.Kvm ? "KVM" : "software emulation";

    private static AcceleratorVerdict Probe(VmConfiguration configuration, string probes)
    {
        MachineAssets assets = MachineAssets.Find(configuration);
        var installation = new QemuInstallation(assets.Qemu);
        var probe = new AcceleratorProbe(new QemuHypervisor(LauncherProgram.Self, installation, assets.FileServer), installation, probes);
        return probe.Known(assets.Kernel)
            ?? probe.ChooseAsync(AcceleratorChoice.Auto, assets.Kernel, s_nobody, StandardStream.Error.WriteLine, CancellationToken.None).GetAwaiter().GetResult();
    }

    private static CheckItem Device(string name, string path, string remedy) =>
        CheckItem.Wish(FileCalls.TryStat(path, out _, out _), name, CheckScope.Vm, path, remedy);
}
