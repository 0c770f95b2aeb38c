using Caisson.Hypervisors;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>What virtual machines need beyond the kernel.</summary>
internal static class MachineChecks
{
    internal static IEnumerable<CheckItem> All(VmConfiguration configuration)
    {
        yield return Find("QEMU", "vm.qemu", "install it: apt install qemu-system-x86", () => QemuInstallation.Find(configuration.Qemu).Executable);
        yield return Find("virtiofsd", "vm.virtiofsd", "install it: apt install qemu-system-common (Debian 13 and Fedora: virtiofsd)", () => VirtiofsServer.Find(configuration.Virtiofsd));
        yield return Assets(configuration);
        yield return Accelerator(configuration);
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

    // An open device proves little (on some hosts no kernel ever runs on it), so this only says what the choice begins with.
    private static CheckItem Accelerator(VmConfiguration configuration)
    {
        if (configuration.Accelerator is "tcg" or "kvm")
        {
            return CheckItem.Good("accelerator", CheckScope.Vm, $"{configuration.Accelerator}, as configured");
        }

        bool opens = FileCalls.TryOpen("/dev/kvm", OpenFlags.O_RDWR, out FileFd device, out Errno why);
        device.Dispose();
        return CheckItem.Wish(
            opens, "accelerator", CheckScope.Vm, opens ? "/dev/kvm opens" : $"software emulation: /dev/kvm: {why.Describe()}", "use a host with KVM: machines run about ten times faster");
    }

    private static CheckItem Device(string name, string path, string remedy) =>
        CheckItem.Wish(FileCalls.TryStat(path, out _, out _), name, CheckScope.Vm, path, remedy);
}
